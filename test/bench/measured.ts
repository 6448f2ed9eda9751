// What training measured of the built-in model with onnxruntime in Python (docs/built-in-model.md).
import { readFile } from 'node:fs/promises'

const FILE = new URL('../../training/clip/measured.json', import.meta.url)

/** Text-to-image recall on flickr8k-dev at each k. */
export async function measuredRecall(ks: readonly number[]): Promise<number[]> {
  const { evaluation } = JSON.parse(await readFile(FILE, 'utf8')) as {
    evaluation: {
      models: { new: { retrieval: { text_to_image: Record<string, [mean: number]> } } }
    }
  }
  const table = evaluation.models.new.retrieval.text_to_image
  return ks.map((k) => table[`R@${k}`]![0])
}
