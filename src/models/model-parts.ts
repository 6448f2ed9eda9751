// Which file of a model does what, told by its name: the layout of Hugging Face's exports (onnx/), in
// one of their precisions, with a graph for each tower or one for both, or that of Immich's (visual/,
// textual/).

/** Usual names of the towers. */
export const VISION_MODEL = 'onnx/vision_model.onnx'
export const TEXT_MODEL = 'onnx/text_model.onnx'

/** Paths below the model's folder. `vision` and `text` may be the same graph. */
export interface ModelParts {
  readonly vision: string
  readonly text: string
  /** How pictures are prepared. */
  readonly preprocessor: string
  /** Both files of the tokenizer. */
  readonly tokenizer: readonly [definition: string, config: string]
  /** Folder that they are in. */
  readonly tokenizerFolder: string
}

const LAYOUTS = [
  {
    vision: /^onnx\/vision_model(_[a-z0-9]+)?\.onnx$/,
    text: /^onnx\/text_model(_[a-z0-9]+)?\.onnx$/,
    preprocessor: 'preprocessor_config.json',
    tokenizerFolder: '',
  },
  {
    vision: /^visual\/model\.onnx$/,
    text: /^textual\/model\.onnx$/,
    preprocessor: 'visual/preprocess_cfg.json',
    tokenizerFolder: 'textual',
  },
  {
    vision: /^(onnx\/)?model(_[a-z0-9]+)?\.onnx$/,
    text: /^(onnx\/)?model(_[a-z0-9]+)?\.onnx$/,
    preprocessor: 'preprocessor_config.json',
    tokenizerFolder: '',
  },
] as const

/** The parts of a model with these files; nothing unless there is one file for each tower. */
export function partsOf(files: readonly string[]): ModelParts | undefined {
  for (const { vision, text, preprocessor, tokenizerFolder } of LAYOUTS) {
    const [visions, texts] = [vision, text].map((name) => files.filter((file) => name.test(file)))
    if (visions!.length !== 1 || texts!.length !== 1) continue
    const inFolder = (name: string) => (tokenizerFolder ? `${tokenizerFolder}/${name}` : name)
    return {
      vision: visions![0]!,
      text: texts![0]!,
      preprocessor,
      tokenizer: [inFolder('tokenizer.json'), inFolder('tokenizer_config.json')],
      tokenizerFolder,
    }
  }
  return undefined
}

/** Settings and vocabularies, as opposed to weights. */
const TEXT_FILE = /\.(json|txt|md)$/

/**
 * A graph and the files that hold its weights: those named after it (`model.onnx_data`), and in a
 * folder of its own all that are no text, since exporters name them as they like.
 */
export function withData(graph: string, files: readonly string[]): string[] {
  const folder = /^(?:visual|textual)\//.exec(graph)?.[0]
  const isData = (file: string): boolean =>
    file.startsWith(graph) ||
    (folder !== undefined && file.startsWith(folder) && !TEXT_FILE.test(file))
  return [graph, ...files.filter((file) => file !== graph && isData(file)).sort()]
}
