// A new query's way to its vector: through Lucida's path (tokenizer, thread, sharing) against the text
// tower alone, at the text's own length and padded to the whole context.
import { join } from 'node:path'
import type { Clip } from '../../src/models/clip.ts'
import { openSession } from '../../src/models/session.ts'
import { shareClip } from '../../src/models/shared-clip.ts'
import { openTokenizer } from '../../src/models/tokenizer.ts'
import { quantile } from './report.ts'

export interface TextTimes {
  /** Medians, in milliseconds. */
  readonly lucidaMs: number
  readonly towerMs: number
  readonly paddedMs: number
  /** Median of the numbers of tokens. */
  readonly tokens: number
}

/** Times each of `texts` in all three ways, in turn, since the machine wavers. */
export async function measureTexts(
  clip: Clip,
  texts: readonly string[],
  threads: number,
): Promise<TextTimes> {
  const { model } = clip
  const tokenize = await openTokenizer({
    directory: join(model.directory, model.parts.tokenizerFolder),
    text: model.text,
  })
  const how = { threads, providers: ['cpu'] as const, config: model.sessionConfig }
  const session = await openSession(join(model.directory, model.parts.text), how)
  const [input] = session.inputs
  const output = session.outputs.find(({ name }) => name === 'text_embeds') ?? session.outputs[0]!
  const runTower = (ids: readonly number[]) => {
    const data = BigInt64Array.from(ids, BigInt)
    const dims = [1, ids.length]
    return session.run({ [input!.name]: { type: 'int64', data, dims } }, [output.name])
  }
  const shared = shareClip(clip)
  const times = { lucida: [] as number[], tower: [] as number[], padded: [] as number[] }
  const lengths: number[] = []
  const time = async (kept: number[] | null, work: () => Promise<unknown>) => {
    const startedAt = performance.now()
    await work()
    kept?.push(performance.now() - startedAt)
  }
  for (const [i, text] of texts.entries()) {
    const ids = tokenize(text)
    const rest = Array<number>(model.text.contextLength - ids.length).fill(tokenize.padId)
    // The first few load, warm and settle.
    const keep = i >= 5
    if (keep) lengths.push(ids.length)
    await time(keep ? times.lucida : null, () => shared.embedTexts([text]))
    await time(keep ? times.tower : null, () => runTower(ids))
    await time(keep ? times.padded : null, () => runTower([...ids, ...rest]))
  }
  await session.close()
  return {
    lucidaMs: quantile(times.lucida, 0.5),
    towerMs: quantile(times.tower, 0.5),
    paddedMs: quantile(times.padded, 0.5),
    tokens: quantile(lengths, 0.5),
  }
}
