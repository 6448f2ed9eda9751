// The models that can be pulled by name: where each lies on the hub, which files it consists of, and
// what people want to know before they choose. Sizes and digests stand here only where they are known
// from the hub's own metadata; all others are read from it at the pull, and kept in the manifest.
import { IMMICH_CATALOGUE } from './catalogue-immich.ts'

/** One file of a model, on the hub and in the model's folder. */
export interface CatalogueFile {
  readonly repository: string
  /** A commit, or a branch that the pull resolves to one. */
  readonly revision: string
  /** With a slash at its end: every file that lies in this folder itself. */
  readonly path: string
  /** Path below the model's folder; ends as `path` does. */
  readonly to: string
  readonly sizeBytes?: number
  readonly sha256?: string
}

/** A model that can be pulled. */
export interface CatalogueModel {
  readonly name: string
  readonly title: string
  readonly repository: string
  readonly files: readonly CatalogueFile[]
  readonly dimension: number
  readonly contextLength: number
  /** Texts are filled up to the context with this token, which the text tower sees like any other. */
  readonly padTexts?: number
  readonly languages: readonly string[]
  readonly license: string
  /** Where the licence is read, when it must be accepted before the pull. */
  readonly acceptLicense?: string
  /** Published figures of the full-precision weights. */
  readonly quality?: Quality
  /** Published counts of operations of the full-precision towers. */
  readonly gflops?: Gflops
  /** Other names, in any one of the styles in which they are written. */
  readonly aliases: readonly string[]
}

/** As published in open_clip's tables of results; of MobileCLIP, by Apple. */
export interface Quality {
  readonly imagenetTop1?: number
  /** COCO, text to picture: share of captions whose picture is among the first five. */
  readonly cocoRecallAt5?: number
}

/** GFLOPs for one picture, and for one text of the whole context: open_clip, docs/model_profile.csv. */
export interface Gflops {
  readonly image: number
  readonly text: number
}

/** Weights of another precision: another model, since its vectors differ. */
type Variant = 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4'

/** How the hub's ONNX repositories call the files of a variant. */
const SUFFIXES: Readonly<Record<Variant, string>> = {
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
}

type Digest = readonly [sizeBytes: number, sha256?: string]

interface Family extends Omit<CatalogueModel, 'files'> {
  readonly revision: string
  readonly variants: readonly Variant[]
  /** By path in the repository. */
  readonly digests?: Readonly<Record<string, Digest>>
}

const JSON_FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
]

const MANY_LANGUAGES = ['multilingual']

/** The layout of Hugging Face's own exports: a model for each precision. */
function huggingFace({ revision, variants, digests = {}, ...family }: Family): CatalogueModel[] {
  const file = (path: string): CatalogueFile => {
    const [sizeBytes, sha256] = digests[path] ?? []
    return {
      repository: family.repository,
      revision,
      path,
      to: path,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(sha256 === undefined ? {} : { sha256 }),
    }
  }
  return [undefined, ...variants].map((variant) => {
    const suffix = variant ? SUFFIXES[variant] : ''
    const towers = [`onnx/vision_model${suffix}.onnx`, `onnx/text_model${suffix}.onnx`]
    const files = [...JSON_FILES, ...towers].map(file)
    const aliases = [family.repository, ...family.aliases]
    if (!variant) return { ...family, aliases, files }
    const { quality: _, gflops: __, ...published } = family
    return {
      ...published,
      name: `${family.name}-${variant}`,
      title: `${family.title}, ${variant}`,
      aliases: [family.name, ...aliases].flatMap((alias) =>
        [variant, SUFFIXES[variant].slice(1)].map((word) => `${alias}-${word}`),
      ),
      files,
    }
  })
}

const MIT = 'MIT'
const CLIP = { dimension: 512, contextLength: 77, languages: ['en'], license: MIT }
const LARGE_CLIP = { ...CLIP, dimension: 768 }
const B_32 = { image: 8.82, text: 5.96 }
const L_14 = { image: 162.03, text: 13.3 }
const ALL_VARIANTS: readonly Variant[] = ['fp16', 'q8', 'int8', 'uint8', 'q4']
const APPLE = {
  ...CLIP,
  license: 'Apple Machine Learning Research Model: research only',
  acceptLicense: 'https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS',
  revision: 'main',
  variants: ['fp16', 'q8'] as const,
}

/** Everything that can be pulled by name. */
export const CATALOGUE: readonly CatalogueModel[] = [
  ...huggingFace({
    ...CLIP,
    name: 'clip-vit-b-32',
    gflops: B_32,
    title: 'CLIP ViT-B/32 of OpenAI',
    repository: 'Xenova/clip-vit-base-patch32',
    revision: 'd15189d7028b43f1d3e65039190477f6af591c2a',
    variants: ALL_VARIANTS,
    quality: { imagenetTop1: 0.6332, cocoRecallAt5: 0.5594 },
    aliases: [
      'ViT-B/32',
      'ViT-B-32/openai',
      'ViT-B-32-quickgelu/openai',
      'openai/clip-vit-base-patch32',
      'clip-vit-base-patch32',
    ],
    digests: {
      'onnx/vision_model.onnx': [
        351_685_709,
        'fd6e1402a588279d1723c7534d4bcba5bc0b14b47dfab0e46f8c47b8270d7d40',
      ],
      'onnx/vision_model_fp16.onnx': [
        176_080_659,
        '35c4e0fb0aeee527dcde1693520b214a34424a786babd530f35366bad5844efd',
      ],
      'onnx/vision_model_quantized.onnx': [
        89_117_001,
        '583fd1110a514667812fee7d684952aaf82a99b959760c8d7dca7e0ab9839299',
      ],
      'onnx/text_model.onnx': [
        254_058_553,
        '3f6571f5bad13a97c469c1622e1cfc4d9aef78b79fdbfcff804ca357bfada8cc',
      ],
      'onnx/text_model_fp16.onnx': [
        127_339_794,
        'df587ffbf248bf20d44fa6e16adc5ebc27ead691860e5333dbdaab5fd6bf3f6e',
      ],
      'onnx/text_model_quantized.onnx': [
        64_504_507,
        '73baab855d406190da9faa498cfedf65f15cf309f4cc7385b7b032e6d08e5c3a',
      ],
      'tokenizer.json': [
        2_224_119,
        'f7f3b7af117d467b58374797691a6438d3e6b9e9cef800dfd5dced7f697a90cd',
      ],
      'preprocessor_config.json': [
        520,
        '6f638fb9401a6d6296feff533ee7efe657b787c49f954f82f5906b36ef2a1b1f',
      ],
      'config.json': [4524],
      'tokenizer_config.json': [775],
    },
  }),
  ...huggingFace({
    ...CLIP,
    name: 'clip-vit-b-16',
    gflops: { image: 35.13, text: 5.96 },
    title: 'CLIP ViT-B/16 of OpenAI',
    repository: 'Xenova/clip-vit-base-patch16',
    revision: '342fdf2f67aded64d138ff074745fb4a5d2bba5f',
    variants: ['fp16', 'q8'],
    quality: { imagenetTop1: 0.6834, cocoRecallAt5: 0.5842 },
    aliases: [
      'ViT-B/16',
      'ViT-B-16/openai',
      'ViT-B-16-quickgelu/openai',
      'openai/clip-vit-base-patch16',
      'clip-vit-base-patch16',
    ],
    digests: {
      'onnx/vision_model.onnx': [345_060_583],
      'onnx/vision_model_quantized.onnx': [87_461_602],
      'onnx/text_model.onnx': [254_058_553],
      'onnx/text_model_quantized.onnx': [64_504_507],
    },
  }),
  ...huggingFace({
    ...LARGE_CLIP,
    name: 'clip-vit-l-14',
    gflops: L_14,
    title: 'CLIP ViT-L/14 of OpenAI',
    repository: 'Xenova/clip-vit-large-patch14',
    revision: 'main',
    variants: ['fp16', 'q8'],
    quality: { imagenetTop1: 0.7554, cocoRecallAt5: 0.6106 },
    aliases: [
      'ViT-L/14',
      'ViT-L-14/openai',
      'ViT-L-14-quickgelu/openai',
      'openai/clip-vit-large-patch14',
      'clip-vit-large-patch14',
    ],
  }),
  ...huggingFace({
    ...LARGE_CLIP,
    name: 'clip-vit-l-14-336',
    gflops: { image: 381.92, text: 13.3 },
    title: 'CLIP ViT-L/14 of OpenAI, 336 pixels',
    repository: 'Xenova/clip-vit-large-patch14-336',
    revision: 'main',
    variants: ['fp16', 'q8'],
    quality: { imagenetTop1: 0.7656, cocoRecallAt5: 0.6162 },
    aliases: [
      'ViT-L/14@336px',
      'ViT-L-14-336/openai',
      'ViT-L-14-336-quickgelu/openai',
      'openai/clip-vit-large-patch14-336',
      'clip-vit-large-patch14-336',
    ],
  }),
  ...Object.entries({ s0: 0.678, s1: 0.726, s2: 0.744, b: 0.768 }).flatMap(([size, imagenetTop1]) =>
    huggingFace({
      ...APPLE,
      quality: { imagenetTop1 },
      name: `mobileclip-${size}`,
      title: `MobileCLIP-${size.toUpperCase()} of Apple`,
      repository: `Xenova/mobileclip_${size}`,
      // Only B is causal (`no_causal_mask` in open_clip's settings); open_clip and Apple pad with 0.
      ...(size !== 'b' && { padTexts: 0 }),
      aliases: [
        `apple/MobileCLIP-${size}`,
        `MobileCLIP-${size}-OpenCLIP`,
        `MobileCLIP-${size}/datacompdr`,
        `apple/MobileCLIP-${size}-OpenCLIP`,
      ],
    }),
  ),
  ...huggingFace({
    dimension: 768,
    contextLength: 64,
    languages: ['en'],
    license: 'Apache-2.0',
    name: 'siglip-b-16',
    gflops: { image: 35.42, text: 11.02 },
    title: 'SigLIP ViT-B/16 of Google',
    repository: 'Xenova/siglip-base-patch16-224',
    revision: 'main',
    variants: ['fp16', 'q8'],
    quality: { imagenetTop1: 0.7604, cocoRecallAt5: 0.7244 },
    aliases: [
      'ViT-B-16-SigLIP/webli',
      'ViT-B-16-SigLIP',
      'timm/ViT-B-16-SigLIP',
      'google/siglip-base-patch16-224',
      'siglip-base-patch16-224',
    ],
  }),
  ...huggingFace({
    dimension: 768,
    contextLength: 64,
    languages: MANY_LANGUAGES,
    license: 'Apache-2.0',
    name: 'siglip2-b-16',
    title: 'SigLIP 2 ViT-B/16 of Google',
    repository: 'onnx-community/siglip2-base-patch16-224-ONNX',
    revision: 'main',
    variants: ['fp16', 'q8', 'int8'],
    aliases: [
      'ViT-B-16-SigLIP2/webli',
      'ViT-B-16-SigLIP2',
      'timm/ViT-B-16-SigLIP2',
      'google/siglip2-base-patch16-224',
      'siglip2-base-patch16-224',
    ],
  }),
  ...IMMICH_CATALOGUE,
  qdrant(),
]

/** Two repositories, one for each tower. */
function qdrant(): CatalogueModel {
  const tower = (which: 'vision' | 'text', paths: Readonly<Record<string, string>>) =>
    Object.entries(paths).map(([path, to]) => {
      return { repository: `Qdrant/clip-ViT-B-32-${which}`, revision: 'main', path, to }
    })
  return {
    ...CLIP,
    name: 'clip-vit-b-32-qdrant',
    gflops: B_32,
    title: 'CLIP ViT-B/32 of OpenAI, as exported by Qdrant',
    repository: 'Qdrant/clip-ViT-B-32-vision',
    quality: { imagenetTop1: 0.6332, cocoRecallAt5: 0.5594 },
    aliases: ['Qdrant/clip-ViT-B-32-vision', 'Qdrant/clip-ViT-B-32-text'],
    files: [
      ...tower('vision', {
        'config.json': 'config.json',
        'preprocessor_config.json': 'preprocessor_config.json',
        'model.onnx': 'onnx/vision_model.onnx',
      }),
      ...tower('text', {
        'tokenizer.json': 'tokenizer.json',
        'tokenizer_config.json': 'tokenizer_config.json',
        'model.onnx': 'onnx/text_model.onnx',
      }),
    ],
  }
}
