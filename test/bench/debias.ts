// What debiased queries and balanced rankings gain, and what they cost in recall, on 1,000 photographs
// and their 5,000 captions; and the audit of the built-in model on the same. Labels are what the
// captions say. `debias write` keeps the figures for the model card.
import { writeFile } from 'node:fs/promises'
import { type Adjusting, BALANCE_WINDOW, openAdjusting } from '../../src/audit/adjust.ts'
import { type AuditContext, runAudit } from '../../src/audit/audit.ts'
import {
  type Attribute,
  hasAnyWord,
  labelAttribute,
  openAttribute,
} from '../../src/audit/attribute.ts'
import { balancedOrder } from '../../src/audit/balance.ts'
import { openDebias } from '../../src/audit/debias.ts'
import { countValues, maxSkew, ndkl, sharesOf } from '../../src/audit/skew.ts'
import { mean } from '../../src/audit/statistics.ts'
import {
  findAttribute,
  loadTermSets,
  type PromptAttribute,
  type TermSets,
} from '../../src/audit/term-sets.ts'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { rankByScore, type Reorder } from '../../src/search/rank.ts'
import type { VectorIndex } from '../../src/search/vector-index.ts'
import { type DatasetRow, readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader } from './report.ts'

const SET = 'flickr8k-dev'
const FILE = new URL('../../training/clip/bias.json', import.meta.url)
const K = 25
const KS = [1, 5, 10]
const ATTRIBUTE = 'gender'

interface Collection {
  readonly clip: Clip
  readonly terms: TermSets
  readonly index: VectorIndex
  readonly contents: readonly ContentHash[]
  readonly captions: readonly { readonly text: string; readonly content: ContentHash }[]
  readonly labels: ReadonlyMap<string, string>
  readonly attribute: PromptAttribute
  readonly byPrompts: Attribute
  readonly byLabels: Attribute
  readonly adjusting: Adjusting
  readonly context: AuditContext
}

/** One way of ranking. */
interface Way {
  readonly name: string
  readonly change: (vector: UnitVector, text: string) => UnitVector
  readonly reorder?: (text: string) => Reorder | undefined
}

/** Runs the benchmark. */
export async function run(args: string[]): Promise<void> {
  const all = await load()
  const { clip, terms, attribute, captions, labels, adjusting, context } = all
  printHeader(
    'debias',
    clip.model.name,
    `${SET}: ${all.contents.length} pictures, ${captions.length} captions, attribute ${ATTRIBUTE}`,
  )
  await printAgreement(all)

  const calibrated = await openDebias(clip.embedTexts, attribute, terms)
  const projected = await openDebias(clip.embedTexts, attribute, terms, 0)
  const { reorder: always } = await adjusting.balance(ATTRIBUTE, [])
  const isAsked = (text: string) => hasAnyWord(text, all.byPrompts.words)
  const unlessAsked = (vector: UnitVector, text: string) =>
    isAsked(text) ? vector : calibrated(vector)
  const reorder = (text: string) => (isAsked(text) ? undefined : always)
  const byLabels = (text: string) => (isAsked(text) ? undefined : labelReorder(all.byLabels))
  const plain = (vector: UnitVector) => vector
  const ways: Way[] = [
    { name: 'as it is', change: plain },
    { name: 'debiased (--debias)', change: unlessAsked },
    { name: 'balanced (--balance)', change: plain, reorder },
    { name: 'both', change: unlessAsked, reorder },
    { name: "balanced by the captions' labels", change: plain, reorder: byLabels },
    { name: 'debiased, whatever the query says', change: calibrated },
    { name: 'the same without calibration', change: projected },
    { name: 'balanced, whatever the query says', change: plain, reorder: () => always },
  ]
  console.log(`neutral queries: ${terms.queries.length}; against equal shares, first ${K} results`)
  const measured: Measured[] = []
  for (const way of ways) measured.push(await measure(all, way))
  print(ways, measured)

  const report = await runAudit(context, terms, { k: K, labels })
  await clip.close()
  if (!args.includes('write')) return
  const mitigation = ways.map(({ name }, i) => ({ name, ...measured[i]! }))
  await writeFile(FILE, `${JSON.stringify({ dataset: SET, report, mitigation }, null, 1)}\n`)
  console.log('\nwrote training/clip/bias.json; python -m clip.model_card enters it in the card')
}

/** As `--balance` with an attribute of labels. */
function labelReorder(attribute: Attribute): Reorder {
  const shares = attribute.values.map(() => 1 / attribute.values.length)
  return {
    window: BALANCE_WINDOW,
    order: async (contents) => balancedOrder(await attribute.valuesOf(contents), shares),
  }
}

async function load(): Promise<Collection> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const rows = await readRows(SET)
  const vectors = await embedSet(clip, SET)
  const contents = rows.map(({ file }) => sha256(`${SET}/${file}`))
  const { name, recipe, dimension } = clip.model
  const index = await openExactIndex({
    identity: { storeId: SET, model: name, recipe, dimension },
  })
  await index.apply(
    vectors.map((vector, i) => ({ content: contents[i]!, vector })),
    1,
  )
  const terms = await loadTermSets()
  const attribute = findAttribute(terms, ATTRIBUTE) as PromptAttribute
  const facts = {
    vectorsOf: (some: readonly ContentHash[]) => index.vectorsOf(some),
    // Labels are by id here; nothing has a path.
    findPictures: async () => new Map(),
  }
  const labels = new Map(
    rows.flatMap((row, i) => {
      const label = labelOf(row, attribute)
      return label === null ? [] : [[contents[i]!, label] as const]
    }),
  )
  const about = { name: 'captions', title: 'Captions', source: SET, limits: '' }
  return {
    clip,
    terms,
    index,
    contents,
    captions: rows.flatMap(({ captions = [] }, i) =>
      captions.map((text) => ({ text, content: contents[i]! })),
    ),
    labels,
    attribute,
    byPrompts: await openAttribute(clip.embedTexts, facts, attribute),
    byLabels: labelAttribute(facts, about, labels),
    adjusting: openAdjusting(clip.embedTexts, facts),
    context: { model: name, embedTexts: clip.embedTexts, index, contents, ...facts },
  }
}

/** The value whose words alone the captions of a picture have in them. */
function labelOf({ captions = [] }: DatasetRow, attribute: PromptAttribute): string | null {
  const named = attribute.values.filter((value) =>
    captions.some((text) => hasAnyWord(text, value.words)),
  )
  return named.length === 1 ? named[0]!.name : null
}

async function printAgreement({ contents, byPrompts, byLabels }: Collection): Promise<void> {
  const [guessed, said] = await Promise.all([
    byPrompts.valuesOf(contents),
    byLabels.valuesOf(contents),
  ])
  const both = contents.flatMap((_, i) => (guessed[i]! >= 0 && said[i]! >= 0 ? [i] : []))
  const agree = both.filter(
    (i) => byPrompts.values[guessed[i]!] === byLabels.values[said[i]!],
  ).length
  const labelled = said.filter((value) => value >= 0).length
  const counts = countValues(said, said.length, 2)
  console.log(
    `captions name one value for ${labelled} pictures (${byLabels.values.map((v, i) => `${v} ${counts[i]}`).join(', ')}); ` +
      `the model sees people in ${percent(both.length / labelled)} of them and agrees on ${percent(agree / both.length)}\n`,
  )
}

async function measure(all: Collection, { change, reorder }: Way) {
  const { clip, terms, index, captions, byPrompts, byLabels } = all
  const rank = async (text: string, vector: UnitVector, limit: number) => {
    const query = {
      vector: change(vector, text),
      isText: true,
      ownContents: new Set<ContentHash>(),
    }
    const page = { limit, offset: 0, without: new Set<ContentHash>(), minScore: -1 }
    const how = { ...page, among: undefined, after: undefined, reorder: reorder?.(text) }
    return (await rankByScore(index, query, how)).hits.map(({ content }) => content)
  }
  const neutral = terms.queries.map(({ phrases }) => phrases[0]!)
  const lists: ContentHash[][] = []
  for (const [i, vector] of (await clip.embedTexts(neutral)).entries()) {
    lists.push(await rank(neutral[i]!, vector, K))
  }
  const compose = async (attribute: Attribute) => {
    const targets = attribute.values.map(() => 1 / attribute.values.length)
    const values = await Promise.all(lists.map((list) => attribute.valuesOf(list)))
    const some = values.filter((list) => list.some((value) => value >= 0))
    const skews = some.map((list) => {
      return maxSkew(sharesOf(countValues(list, K, targets.length)), targets)
    })
    return { maxSkew: mean(skews), ndkl: mean(some.map((list) => ndkl(list, K, targets))) }
  }
  const vectors = await clip.embedTexts(captions.map(({ text }) => text))
  const found = KS.map(() => 0)
  const unnamed = KS.map(() => 0)
  let unnamedCount = 0
  for (const [i, { text, content }] of captions.entries()) {
    const at = (await rank(text, vectors[i]!, Math.max(...KS))).indexOf(content)
    const isUnnamed = !hasAnyWord(text, byPrompts.words)
    if (isUnnamed) unnamedCount++
    for (const [j, k] of KS.entries()) {
      const hit = Number(at >= 0 && at < k)
      found[j]! += hit
      if (isUnnamed) unnamed[j]! += hit
    }
  }
  return {
    byPrompts: await compose(byPrompts),
    byCaptions: await compose(byLabels),
    recall: Object.fromEntries(KS.map((k, j) => [`R@${k}`, found[j]! / captions.length])),
    recallUnnamed: Object.fromEntries(KS.map((k, j) => [`R@${k}`, unnamed[j]! / unnamedCount])),
    unnamed: unnamedCount,
  }
}

type Measured = Awaited<ReturnType<typeof measure>>

function print(ways: readonly Way[], measured: readonly Measured[]): void {
  const { unnamed } = measured[0]!
  console.log(
    `recall of all captions, and of the ${unnamed} that name neither value\n\n` +
      '| | MaxSkew by prompts | NDKL | MaxSkew by captions | NDKL | R@1 | R@5 | R@10 | R@10, unnamed |\n' +
      '|---|---|---|---|---|---|---|---|---|',
  )
  for (const [i, { byPrompts, byCaptions, recall, recallUnnamed }] of measured.entries()) {
    const cells = [
      ways[i]!.name,
      ...[byPrompts.maxSkew, byPrompts.ndkl, byCaptions.maxSkew, byCaptions.ndkl].map((value) =>
        value.toFixed(3),
      ),
      ...KS.map((k) => percent(recall[`R@${k}`]!)),
      percent(recallUnnamed['R@10']!),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}
