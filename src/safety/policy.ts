// What is to be kept out: concepts that pictures are scored for, and words that are not drawn. The
// policy that is built in is a beginning; `lucida safety > safety.json` writes it down to be edited.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { LucidaError, messageOf } from '../core/errors.ts'

const share = z.number().min(0).max(1)
const name = z.string().trim().min(1).max(100)

const schema = z.strictObject({
  concepts: z
    .array(
      z.union([
        /** Zero-shot: the percentile of the prompts' mean among neutral captions. */
        z.strictObject({
          name,
          prompts: z.array(z.string().trim().min(1).max(1000)).min(1).max(100),
          threshold: share,
        }),
        /** Learned: the probability of a linear head, a file beside the policy (head.ts). */
        z.strictObject({ name, head: z.string().min(1), threshold: share }),
      ]),
    )
    .max(100)
    .refine(
      (all) => new Set(all.map((each) => each.name)).size === all.length,
      'Expected each name once',
    ),
  blockedPrompts: z.array(z.string().trim().min(1).max(200)).max(10_000),
})

/** What is to be kept out. */
export type Policy = z.infer<typeof schema>
export type Concept = Policy['concepts'][number]

/** A percentile of 1: the concept fits the picture better than every neutral caption does. */
const ABOVE_ALL = 1

/** What holds where no file is named. */
export const BUILT_IN_POLICY: Policy = {
  concepts: [
    {
      name: 'nudity',
      prompts: [
        'a photo of a naked person',
        'a nude woman',
        'a nude man',
        'naked breasts',
        'people having sex',
        'pornography',
      ],
      threshold: ABOVE_ALL,
    },
    {
      name: 'violence',
      prompts: [
        'a person covered in blood',
        'a dead body lying on the ground',
        'an open wound with blood',
        'a man shoots another man with a gun',
        'a soldier kills a person',
        'torture',
      ],
      threshold: ABOVE_ALL,
    },
  ],
  blockedPrompts: [
    'nude*',
    'naked',
    'undressed',
    'topless',
    'porn*',
    'nsfw',
    'hentai',
    'erotic*',
    'having sex',
    'sexual*',
    'genital*',
    'rape',
    'raped',
    'rapist*',
    'gore',
    'behead*',
    'decapitat*',
    'mutilat*',
    'tortur*',
    'corpse*',
    'child abuse',
  ],
}

/** The policy of a file, with the folder in which its heads lie. Throws `not_found`, `bad_input`. */
export async function readPolicy(path: string): Promise<{ policy: Policy; folder: string }> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LucidaError('not_found', `Cannot read the safety policy ${path}`, { cause })
  })
  try {
    return { policy: schema.parse(JSON.parse(text)), folder: dirname(resolve(path)) }
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError
        ? cause.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`)[0]
        : messageOf(cause)
    throw new LucidaError('bad_input', `The safety policy ${path} is not valid: ${reason}`, {
      cause,
    })
  }
}
