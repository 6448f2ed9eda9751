// Runs one benchmark: npm run bench -- <name> [options]. Each prints what it ran on.

const BENCHES: Record<string, () => Promise<{ run: (args: string[]) => Promise<void> }>> = {
  recall: () => import('./recall.ts'),
  'index-quality': () => import('./index-quality.ts'),
  filters: () => import('./filters.ts'),
  vectors: () => import('./vectors.ts'),
  cluster: () => import('./cluster.ts'),
  draw: () => import('./draw-speed.ts'),
  'heat-maps': () => import('./heat-maps.ts'),
  'not-found': () => import('./not-found.ts'),
  duplicates: () => import('./duplicates.ts'),
  teach: () => import('./teach.ts'),
  relevance: () => import('./relevance.ts'),
  debias: () => import('./debias.ts'),
  safety: () => import('./safety.ts'),
  kill: () => import('./kill.ts'),
  cold: () => import('./cold.ts'),
  index: () => import('./index-speed.ts'),
  encode: () => import('./encode.ts'),
  'model-costs': () => import('./model-costs.ts'),
  durability: () => import('./durability.ts'),
  api: () => import('./api.ts'),
  switch: () => import('./switch.ts'),
  workers: () => import('./workers.ts'),
  million: () => import('./million.ts'),
  sizes: () => import('./sizes.ts'),
  upgrade: () => import('./upgrade.ts'),
  backup: () => import('./backup.ts'),
  soak: () => import('./soak.ts'),
  faults: () => import('./faults.ts'),
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench) {
  await (await bench()).run(args)
} else {
  console.error(`usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}>`)
  process.exitCode = 2
}
