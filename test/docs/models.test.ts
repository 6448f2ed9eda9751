// docs/models.md shows the registry as it is. After a change of it:
// UPDATE_DOCS=1 npx vitest run test/docs/models.test.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CATALOGUE, type CatalogueModel } from '../../src/models/catalogue.ts'
import { readCosts } from '../../src/models/costs.ts'

const PAGE = new URL('../../docs/models.md', import.meta.url)
const MARKS = /<!-- models -->[^]*<!-- \/models -->/

function rowOf(model: CatalogueModel): string {
  const { name, title, repository, dimension, contextLength, languages, license } = model
  const { acceptLicense, quality } = model
  const cells = [
    `\`${name}\``,
    title,
    `[${repository}](https://huggingface.co/${repository})`,
    sizeOf(model),
    String(dimension),
    String(contextLength),
    languages.join(', '),
    acceptLicense === undefined ? license : `[${license}](${acceptLicense}), to be accepted`,
    percent(quality?.imagenetTop1),
    percent(quality?.cocoRecallAt5),
    costOf(name),
  ]
  return `| ${cells.join(' | ')} |`
}

function sizeOf({ files }: CatalogueModel): string {
  const towers = files.filter(({ to }) => to.endsWith('.onnx'))
  if (towers.some(({ sizeBytes }) => sizeBytes === undefined)) return ''
  const bytes = files.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0)
  return `${Math.round(bytes / 1e6)} MB`
}

const { machine, remark, node, models: costs } = await readCosts()

function costOf(name: string): string {
  const cost = costs[name]
  if (!cost) return ''
  const { perSecond, batch, textMs, memoryMb } = cost
  return `${perSecond}/s (${batch} at once), ${textMs} ms, ${memoryMb} MB`
}

const percent = (share?: number) => (share === undefined ? '' : `${(100 * share).toFixed(1)} %`)

const HEAD = [
  '| Name | What it is | Repository | Size | Dimension | Tokens | Languages | Licence | ImageNet | COCO | Cost |',
  '|---|---|---|---|---|---|---|---|---|---|---|',
]
const table = [...HEAD, ...CATALOGUE.map(rowOf)].join('\n')
const measuredOn = `Cost: ${machine}, Node ${node}${remark ? ` (${remark})` : ''}. The built-in \`lucida-clip-1\` there: ${costOf('lucida-clip-1')}.`
const section = `<!-- models -->\n${table}\n\n${measuredOn}\n<!-- /models -->`

const page = readFileSync(PAGE, 'utf8')
if (process.env.UPDATE_DOCS)
  writeFileSync(
    PAGE,
    page.replace(MARKS, () => section),
  )

test('docs/models.md has one row for each model of the registry', () => {
  expect(MARKS.exec(readFileSync(PAGE, 'utf8'))?.[0]).toBe(section)
})
