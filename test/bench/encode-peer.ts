// transformers.js in its documented use, in a process of its own: one picture after another, or lists of
// them. Prints one line of JSON. Arguments: folder with the model's folder, its name, folder of pictures,
// how many, pictures per call.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

interface Transformers {
  readonly env: {
    allowRemoteModels: boolean
    localModelPath: string
    readonly version: string
  }
  pipeline(
    task: string,
    model: string,
    options: { dtype: string; device: string },
  ): Promise<(images: string | string[]) => Promise<{ readonly dims: readonly number[] }>>
}

const [models = '', model = '', photos = '', count = '', perCall = ''] = process.argv.slice(2)
// Not a dependency of Lucida: its own package.json lies beside this file.
const name = '@huggingface/transformers'
const transformers = (await import(name)) as Transformers
const { env } = transformers
env.allowRemoteModels = false
env.localModelPath = models
const options = { dtype: 'fp32', device: 'cpu' }
const extract = await transformers.pipeline('image-feature-extraction', model, options)

const paths = (await readdir(photos)).slice(0, Number(count)).map((file) => join(photos, file))
await extract(paths[0]!)
const size = Number(perCall)
const startedAt = performance.now()
let vectors = 0
for (let at = 0; at < paths.length; at += size) {
  const some = paths.slice(at, at + size)
  const { dims } = await extract(size === 1 ? some[0]! : some)
  vectors += dims[0]!
}
const tookMs = performance.now() - startedAt
if (vectors !== paths.length) throw new Error(`${vectors} vectors for ${paths.length} pictures`)
const rssMb = process.resourceUsage().maxRSS / 1024
const perSecond = (paths.length / tookMs) * 1000
console.log(JSON.stringify({ perSecond, rssMb, version: env.version }))
