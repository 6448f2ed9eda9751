// Who is writing to the database, for those to whom that matters: checkpoints, which vouch for what
// the database holds, and whatever is remembered for as long as it stays the same.
import {
  type Checkpoint,
  isSavedIndex,
  makeCheckpoint,
  readCheckpoint,
  removeCheckpoints,
  setCheckpoint,
} from './search/checkpoint.ts'
import type { PictureRow } from './search/picture-table.ts'
import type { IndexIdentity, VectorIndex } from './search/vector-index.ts'

/** What is written to. */
export interface WritingOptions {
  readonly dataDir: string
  /** Of the index that answers now. */
  readonly identity: () => IndexIdentity
  /** The model that answers where no setting names one. */
  readonly servingModel: () => Promise<string | null>
  /** On a server others write too, unseen: there are no checkpoints then, and it is never quiet. */
  readonly isEmbedded: boolean
  /** All pictures that are there. */
  readonly listPictures: () => Promise<readonly PictureRow[]>
  /** Those of them that Lucida has drawn itself. */
  readonly listDrawn: () => Promise<readonly string[]>
}

/** The runs that write, begun and under way. */
export interface Writing {
  /**
   * Ends what a checkpoint vouches for, and returns it for the case that nothing gets written.
   * `end` must follow.
   */
  begin(): Promise<Checkpoint | null>
  end(): void
  /** Runs what writes, but leaves the next checkpoint to others. */
  aside<T>(write: () => Promise<T>): Promise<T>
  /** Saves the index, so that the next search need not, and sets a checkpoint for cold searches. */
  settle(settled: SettledIndex, standing: Checkpoint | null): Promise<void>
  /** Names the time since the last write; `null` while something is being written. */
  quietSince(): number | null
}

/** The index of one model. */
export interface SettledIndex {
  readonly identity: IndexIdentity
  readonly live: { readonly current: () => Promise<VectorIndex> }
}

/** Nobody writes yet. */
export function openWriting(options: WritingOptions): Writing {
  const { dataDir, isEmbedded, listPictures, listDrawn } = options
  let begun = 0
  let underWay = 0
  let setting: Promise<unknown> = Promise.resolve()
  /** Which run has taken a checkpoint away: it may set it again if no other has begun since. */
  const takenBy = new WeakMap<Checkpoint, number>()

  const begin = async (): Promise<Checkpoint | null> => {
    // Both at once: what is read from here on may be old by the time that this run has ended.
    const mine = ++begun
    underWay++
    try {
      if (!isEmbedded) return null
      await setting.catch(() => {})
      const standing = await readCheckpoint(dataDir, options.identity())
      await removeCheckpoints(dataDir)
      if (standing) takenBy.set(standing, mine)
      return standing
    } catch (error) {
      underWay--
      throw error
    }
  }
  const end = () => {
    underWay--
  }

  return {
    begin,
    end,
    async aside(write) {
      await begin()
      try {
        return await write()
      } finally {
        end()
      }
    },
    async settle({ identity, live }, standing) {
      const begunBefore = begun
      const others = underWay > 1
      const index = await live.current()
      await index.save()
      if (!isEmbedded || !isSavedIndex(index)) return
      const isOf = (checkpoint: Checkpoint | null) =>
        checkpoint?.sequence === index.sequence &&
        checkpoint.kind === index.kind &&
        checkpoint.identity.model === identity.model &&
        checkpoint.identity.recipe === identity.recipe
      if (isOf(await readCheckpoint(dataDir, identity))) return
      const checkpoint =
        standing && isOf(standing) && takenBy.get(standing) === begun
          ? standing
          : await makeCheckpoint(dataDir, identity, index, {
              rows: await listPictures(),
              drawn: await listDrawn(),
              serves: (await options.servingModel()) === identity.model,
            })
      // Somebody else writes too, and the next to settle vouches for both.
      if (others || begun !== begunBefore) return
      setting = setCheckpoint(dataDir, checkpoint)
      await setting
    },
    quietSince: () => (isEmbedded && underWay === 0 ? begun : null),
  }
}
