// The name of a model as people write it -> the model. open_clip, OpenAI, Immich, clip-as-service,
// Marqo and the hub separate the same words by different signs, so only the words are compared.
import { LucidaError } from '../core/errors.ts'
import { CATALOGUE, type CatalogueModel } from './catalogue.ts'

/** In front of a name, they only say which library or site it is from. */
const PREFIXES =
  /^(?:https?:\/\/(?:www\.)?huggingface\.co\/|hf:\/\/|hf-hub:|local-dir:|open_clip[/:])/

/** Names suggested for one that is not known. */
const SUGGESTIONS = 3

const BY_KEY: ReadonlyMap<string, CatalogueModel> = new Map(
  CATALOGUE.flatMap((model) =>
    [model.name, ...model.aliases].map((name) => [keyOf(name), model] as const),
  ),
)

/** The model of the catalogue that goes by `name`, in any of the usual styles. */
export function knownModel(name: string): CatalogueModel | undefined {
  return BY_KEY.get(keyOf(name))
}

/** As `knownModel`, but throws `model_missing` with the nearest names. */
export function requireKnownModel(name: string): CatalogueModel {
  const model = knownModel(name)
  if (model) return model
  throw new LucidaError(
    'model_missing',
    `No model to pull is called ${name}; the nearest names are ${nearestNames(name).join(', ')} ` +
      '(all of them: lucida models list --all)',
  )
}

/** The catalogue's names that are most like `name`, the nearest first. */
export function nearestNames(name: string): string[] {
  const key = keyOf(name)
  const nearest = new Map<string, number>()
  for (const [other, model] of BY_KEY) {
    const distance = editDistance(key, other)
    if (distance < (nearest.get(model.name) ?? Infinity)) nearest.set(model.name, distance)
  }
  return [...nearest]
    .sort(([, a], [, b]) => a - b)
    .slice(0, SUGGESTIONS)
    .map(([model]) => model)
}

/** The words of a name. `ViT-B-32__openai`, `ViT-B-32::openai` and `ViT-B-32/openai` are the same. */
function keyOf(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(PREFIXES, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/** Insertions, deletions and substitutions from one text to the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
