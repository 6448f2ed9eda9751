// Builds the page into dist/web, from where the server serves it.
import { defineConfig } from 'vite'

export default defineConfig({
  root: 'src/web',
  // For `npm run dev:page`, beside a running `lucida serve`.
  server: { proxy: { '/v1': 'http://127.0.0.1:7457' } },
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The Content-Security-Policy allows files of ours and nothing inside the document.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
