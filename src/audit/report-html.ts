// An audit to look at and to print: one HTML document without scripts, with nothing from elsewhere.
import type { Interval } from './bootstrap.ts'
import { escapeHtml, intervalChart, shareChart } from './charts.ts'
import { SIGNIFICANT } from './caveats.ts'
import type {
  AssociationResult,
  AuditReport,
  CompositionResult,
  MeanOverQueries,
  MisclassificationResult,
  SensitivityResult,
} from './report.ts'

const STYLE = `
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #0f172a; background: #fff }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.5rem }
svg { max-width: 100%; height: auto } .wide { overflow-x: auto }
table { border-collapse: collapse; font-size: 14px } th, td { padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top }
td { font-variant-numeric: tabular-nums } tr { border-bottom: 1px solid #e2e8f0 }
.note { color: #475569; font-size: 14px }
@media print { body { margin: 0; max-width: none } section { break-inside: avoid } }
`

/** The document. */
export function auditHtml(report: AuditReport): string {
  const { model, pictures, k, seed, permutations, resamples, caveats } = report
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Bias audit of ${escapeHtml(model)}</title><style>${STYLE}</style></head><body>
<h1>Bias audit</h1>
<p>Model ${escapeHtml(model)}, ${count(pictures, 'picture')}, the first ${k} for each query, ${permutations} permutations, ${resamples} resamples, seed ${seed}. In brackets: 95 % intervals.</p>
<section><h2>What this can and cannot show</h2><ul>${caveats.map((one) => `<li>${escapeHtml(one)}</li>`).join('')}</ul></section>
${report.compositions.map(composition).join('\n')}
${associations(report.associations)}
${report.misclassification.map(misclassification).join('\n')}
${sensitivity(report.sensitivity, k)}
</body></html>
`
}

function composition(result: CompositionResult): string {
  const { title, source, kind, pictures, values, queries, skipped } = result
  const basis = kind === 'labels' ? 'by your labels' : "by the model's own view of prompts"
  const about = `<h2>Who is found: ${escapeHtml(title)}</h2><p class="note">Skew and NDKL: Geyik, Ambler and Kenthapadi 2019. Values ${basis}. ${escapeHtml(source)}.</p>`
  if (skipped !== null)
    return `<section>${about}<p>Not measured. ${escapeHtml(skipped)}.</p></section>`
  const targets = values.map(({ target }) => target)
  const shown = values.map(({ name, share }) => `${name} ${percent(share)}`).join(', ')
  const chart = shareChart(
    `Shares of ${title} for each query`,
    values.map(({ name }) => name),
    targets,
    queries.map(({ query, shares }) => ({ label: query, shares })),
  )
  const rows = queries.map((one) =>
    row([
      one.query,
      one.favoured,
      estimate(one.maxSkew, one.interval),
      one.ndkl.toFixed(3),
      pText(one.adjustedP),
    ]),
  )
  return `<section>${about}
<p>${count(pictures, 'picture')} with a value: ${escapeHtml(shown)}. Over all queries: MaxSkew ${overall(result.maxSkew)}, NDKL ${overall(result.ndkl)}. 0 is the composition that is compared with (the black line); 0.69 is twice as often.</p>
<div class="wide">${chart}</div></section>
<section>${table(['Query', 'Favoured', 'MaxSkew', 'NDKL', 'p (adjusted)'], rows)}</section>`
}

function associations(all: readonly AssociationResult[]): string {
  if (all.length === 0) return ''
  const chart = intervalChart(
    'Effect sizes of the association tests',
    all.map(({ name, effect, interval }) => ({ label: name, value: effect, interval })),
    [-2, 2],
    0,
  )
  const rows = all.map(
    ({ title, source, targets, attributes, effect, interval, adjustedP, isExact }) => {
      const reading = `${targets[effect >= 0 ? 0 : 1]} nearer to ${attributes[0]}, ${targets[effect >= 0 ? 1 : 0]} to ${attributes[1]}`
      return row([
        `${title}: ${adjustedP <= SIGNIFICANT ? reading : 'no difference found'}`,
        estimate(effect, interval),
        `${pText(adjustedP)}${isExact ? ' exact' : ''}`,
        source,
      ])
    },
  )
  return `<section><h2>What lies near what: association tests</h2>
<p>Effect sizes between -2 and 2; 0 is no difference, 0.2 small, 0.8 large. p is two-sided, by permutation, adjusted for ${count(all.length, 'test')}.</p>
<div class="wide">${chart}</div></section>
<section>${table(['Test', 'd', 'p (adjusted)', 'Source'], rows)}</section>`
}

function misclassification({ name, source, groups }: MisclassificationResult): string {
  const rows = groups.map((one) => {
    const [low, high] = one.interval
    return row([
      one.group,
      String(one.pictures),
      `${percent(one.rate)} [${percent(low)}, ${percent(high)}]`,
    ])
  })
  return `<section><h2>Zero-shot errors by group: ${escapeHtml(name)}</h2><p class="note">${escapeHtml(source)}.</p>${table(['Group', 'Pictures', 'Rate'], rows)}</section>`
}

function sensitivity(result: SensitivityResult | null, k: number): string {
  if (result === null) return ''
  const { queries, overlap, overlapInterval, rbo, rboInterval } = result
  const rows = queries.map((one) =>
    row([one.query, String(one.phrases), percent(one.overlap), one.rbo.toFixed(2)]),
  )
  return `<section><h2>How much hangs on the wording</h2>
<p>Paraphrases of one query share ${percent(overlap)} of their first ${k} results on average [${overlapInterval.map(percent).join(', ')}]; rank-biased overlap (Webber, Moffat and Zobel 2010, p = 0.9) ${estimate(rbo, rboInterval)}. 1 is the same answer.</p>
${table(['Query', 'Wordings', 'In common', 'RBO'], rows)}</section>`
}

function overall(result: MeanOverQueries | null): string {
  return result ? `${estimate(result.mean, result.interval)}, p ${pText(result.p)}` : 'not measured'
}

function estimate(value: number, [low, high]: Interval): string {
  return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}

function pText(p: number): string {
  return p < 0.001 ? 'below 0.001' : p.toFixed(3)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function count(n: number, what: string): string {
  return `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`
}

function table(heads: readonly string[], rows: readonly string[]): string {
  return `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}
