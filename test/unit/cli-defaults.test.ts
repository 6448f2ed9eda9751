// What commands take for granted where a flag is not given, as their help says it.
import { expect, test } from 'vitest'
import { runCaptured } from '../helpers/cli.ts'

test('cluster init leaves the number of parts to the number of nodes', async () => {
  const { out } = await runCaptured(['cluster', 'init', '--help'])
  expect(out).toContain('--shards <n>')
  expect(out).not.toContain('default: 32')
  expect(out.replaceAll(/\s+/g, ' ')).toContain('four for each node')
})

test('restore maps nothing, and does not say so in brackets', async () => {
  const { out } = await runCaptured(['restore', '--help'])
  expect(out).toContain('--map <old=new>')
  expect(out).not.toContain('default: []')
})
