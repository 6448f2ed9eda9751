// Takes what tells the values of an attribute apart out of a query's vector: the directions between
// paired prompts are projected away (Bolukbasi et al. 2016), after a calibration that also brings
// "a female doctor" and "a male doctor" together (Chuang et al. 2023, equation 5).
import { normalize, type UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { cholesky, inner, principalDirections, solve, subtract } from './linear.ts'
import type { PromptAttribute, TermSets } from './term-sets.ts'

/** How much calibration counts; the value that Chuang et al. use throughout. */
const LAMBDA = 1000

/** Takes an attribute out of a query. */
export type Debias = (query: UnitVector) => UnitVector

/**
 * Prepares the projection P = P₀ (I + λ/|S| Σ (zᵢ - zⱼ)(zᵢ - zⱼ)ᵀ)⁻¹. Unlike in the paper, P₀ takes
 * away the differences between the prompts of the values, not the prompts themselves: these also hold
 * what all of them have in common, that there is a person. `lambda` 0 leaves P₀ alone.
 */
export async function openDebias(
  embedTexts: EmbedTexts,
  attribute: PromptAttribute,
  { queries }: Pick<TermSets, 'queries'>,
  lambda = LAMBDA,
): Promise<Debias> {
  const { values } = attribute
  const rows = values[0]!.prompts.map((_, i) => values.map(({ prompts }) => prompts[i]!))
  const basis = principalDirections(
    (await embedRows(embedTexts, rows)).flatMap(fromMean),
    values.length - 1,
  )
  const pairs = queries.map(({ name }) =>
    values.map(({ phrase }) => `a photo of ${phrase} ${name}`),
  )
  const differences = lambda > 0 ? (await embedRows(embedTexts, pairs)).flatMap(eachPair) : []
  const size = Math.sqrt(lambda / differences.length)
  const columns = differences.map((difference) => difference.map((value) => size * value))
  const lower = cholesky(
    columns.map((a, i) => Float64Array.from(columns, (b, j) => inner(a, b) + Number(i === j))),
  )
  return (query) => {
    const vector = Float64Array.from(query)
    // (I + U Uᵀ)⁻¹ = I - U (I + Uᵀ U)⁻¹ Uᵀ (Woodbury): a system of dozens, not of the dimension.
    const weights = solve(
      lower,
      columns.map((column) => inner(column, vector)),
    )
    for (const [i, column] of columns.entries()) subtract(vector, weights[i]!, column)
    for (const direction of basis) subtract(vector, inner(vector, direction), direction)
    return normalize([...vector])
  }
}

async function embedRows(
  embedTexts: EmbedTexts,
  rows: readonly (readonly string[])[],
): Promise<UnitVector[][]> {
  const vectors = (await embedTexts(rows.flat())).values()
  return rows.map((row) => row.map(() => vectors.next().value!))
}

/** How each differs from what they have in common. */
function fromMean(row: readonly UnitVector[]): Float64Array[] {
  const middle = new Float64Array(row[0]!.length)
  for (const vector of row) subtract(middle, -1 / row.length, vector)
  return row.map((vector) => {
    const difference = Float64Array.from(vector)
    subtract(difference, 1, middle)
    return difference
  })
}

function eachPair(row: readonly UnitVector[]): Float64Array[] {
  return row.flatMap((a, i) =>
    row.slice(i + 1).map((b) => {
      const difference = Float64Array.from(a)
      subtract(difference, 1, b)
      return difference
    }),
  )
}
