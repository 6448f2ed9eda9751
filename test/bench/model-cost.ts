// One model of model-costs.ts, in its own process: prints its cost as JSON. Arguments: the model's folder,
// and seconds for each measurement.
import { measureEncode } from '../../src/measure.ts'
import { readModel } from '../../src/models/manifest.ts'

const model = await readModel(process.argv[2]!)
const how = { forMs: Number(process.argv[3]) * 1000, threads: 0, providers: ['cpu'] as const }
const { perSecond, batch, textMs } = await measureEncode(model, how)
const rounded = (value: number) => Number(value.toPrecision(3))
const memoryMb = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(
  JSON.stringify({ perSecond: rounded(perSecond), batch, textMs: rounded(textMs), memoryMb }),
)
