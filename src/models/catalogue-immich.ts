// The models that Immich exports to the hub: a folder for each tower, names and settings of open_clip.
import type { CatalogueModel } from './catalogue.ts'

const APPLE = {
  license: 'Apple, terms of the DFN weights',
  acceptLicense: 'https://huggingface.co/apple/DFN5B-CLIP-ViT-H-14',
}
const SIGLIP = { contextLength: 64, languages: ['en'], license: 'Apache-2.0' }
const MULTILINGUAL = { languages: ['multilingual'] }

/** What a line of the table below says, and what is the same for most models. */
interface Export extends Partial<Omit<CatalogueModel, 'repository' | 'files' | 'quality'>> {
  readonly name: string
  readonly title: string
  /** Name of the repository, which is open_clip's name of the model. */
  readonly export: string
  readonly dimension: number
  /** ImageNet top-1 and COCO recall at 5. */
  readonly published?: readonly [imagenetTop1: number, cocoRecallAt5: number]
  /** Graphs beyond 2 GB have their weights in files beside them, whose names only the hub knows. */
  readonly weightsBeside?: boolean
}

const EXPORTS: readonly Export[] = [
  {
    name: 'clip-vit-b-32-immich',
    title: 'CLIP ViT-B/32 of OpenAI, as exported by Immich',
    export: 'ViT-B-32__openai',
    dimension: 512,
    published: [0.6332, 0.5594],
    gflops: { image: 8.82, text: 5.96 },
  },
  {
    name: 'clip-vit-b-32-laion2b',
    title: 'CLIP ViT-B/32 of LAION, trained on LAION-2B',
    export: 'ViT-B-32__laion2b-s34b-b79k',
    dimension: 512,
    published: [0.6656, 0.6543],
    gflops: { image: 8.82, text: 5.96 },
    aliases: ['laion/CLIP-ViT-B-32-laion2B-s34B-b79K'],
  },
  {
    name: 'clip-vit-l-14-laion2b',
    title: 'CLIP ViT-L/14 of LAION, trained on LAION-2B',
    export: 'ViT-L-14__laion2b-s32b-b82k',
    dimension: 768,
    published: [0.7525, 0.7108],
    gflops: { image: 162.03, text: 13.3 },
    aliases: ['laion/CLIP-ViT-L-14-laion2B-s32B-b82K'],
  },
  {
    name: 'clip-vit-h-14-laion2b',
    title: 'CLIP ViT-H/14 of LAION, trained on LAION-2B',
    export: 'ViT-H-14__laion2b-s32b-b79k',
    dimension: 1024,
    published: [0.7796, 0.7338],
    gflops: { image: 334.59, text: 47.09 },
    weightsBeside: true,
    aliases: ['laion/CLIP-ViT-H-14-laion2B-s32B-b79K'],
  },
  {
    name: 'clip-vit-l-14-dfn2b',
    title: 'CLIP ViT-L/14 of Apple, trained on DFN-2B',
    export: 'ViT-L-14-quickgelu__dfn2b',
    dimension: 768,
    ...APPLE,
    published: [0.8141, 0.7381],
    gflops: { image: 162.03, text: 13.3 },
    aliases: ['ViT-L-14/dfn2b', 'apple/DFN2B-CLIP-ViT-L-14'],
  },
  {
    name: 'clip-vit-h-14-dfn5b',
    title: 'CLIP ViT-H/14 of Apple, trained on DFN-5B',
    export: 'ViT-H-14-quickgelu__dfn5b',
    dimension: 1024,
    ...APPLE,
    published: [0.8344, 0.7805],
    gflops: { image: 334.59, text: 47.09 },
    weightsBeside: true,
    aliases: ['ViT-H-14/dfn5b', 'apple/DFN5B-CLIP-ViT-H-14'],
  },
  {
    name: 'clip-vit-h-14-378-dfn5b',
    title: 'CLIP ViT-H/14 of Apple, 378 pixels, trained on DFN-5B',
    export: 'ViT-H-14-378-quickgelu__dfn5b',
    dimension: 1024,
    ...APPLE,
    published: [0.8437, 0.792],
    gflops: { image: 1006.96, text: 47.09 },
    weightsBeside: true,
    aliases: ['ViT-H-14-378/dfn5b', 'apple/DFN5B-CLIP-ViT-H-14-378'],
  },
  {
    name: 'siglip-b-16-384',
    title: 'SigLIP ViT-B/16 of Google, 384 pixels',
    export: 'ViT-B-16-SigLIP-384__webli',
    dimension: 768,
    ...SIGLIP,
    published: [0.7849, 0.7366],
    gflops: { image: 112.13, text: 11.02 },
    aliases: ['ViT-B-16-SigLIP-384', 'timm/ViT-B-16-SigLIP-384'],
  },
  {
    name: 'siglip-l-16-256',
    title: 'SigLIP ViT-L/16 of Google, 256 pixels',
    export: 'ViT-L-16-SigLIP-256__webli',
    dimension: 1024,
    ...SIGLIP,
    published: [0.8045, 0.758],
    gflops: { image: 162.56, text: 39.06 },
    aliases: ['ViT-L-16-SigLIP-256', 'timm/ViT-L-16-SigLIP-256'],
  },
  {
    name: 'siglip-so400m-14-384',
    title: 'SigLIP ViT-SO400M/14 of Google, 384 pixels',
    export: 'ViT-SO400M-14-SigLIP-384__webli',
    dimension: 1152,
    ...SIGLIP,
    published: [0.8308, 0.7678],
    gflops: { image: 670.35, text: 53.13 },
    aliases: ['ViT-SO400M-14-SigLIP-384', 'timm/ViT-SO400M-14-SigLIP-384'],
  },
  {
    name: 'siglip2-b-32-256',
    title: 'SigLIP 2 ViT-B/32 of Google, 256 pixels',
    export: 'ViT-B-32-SigLIP2-256__webli',
    dimension: 768,
    ...SIGLIP,
    ...MULTILINGUAL,
    aliases: ['ViT-B-32-SigLIP2-256', 'timm/ViT-B-32-SigLIP2-256'],
  },
  {
    name: 'siglip2-l-16-256',
    title: 'SigLIP 2 ViT-L/16 of Google, 256 pixels',
    export: 'ViT-L-16-SigLIP2-256__webli',
    dimension: 1024,
    ...SIGLIP,
    ...MULTILINGUAL,
    weightsBeside: true,
    aliases: ['ViT-L-16-SigLIP2-256', 'timm/ViT-L-16-SigLIP2-256'],
  },
  {
    name: 'siglip2-so400m-16-384',
    title: 'SigLIP 2 ViT-SO400M/16 of Google, 384 pixels',
    export: 'ViT-SO400M-16-SigLIP2-384__webli',
    dimension: 1152,
    ...SIGLIP,
    ...MULTILINGUAL,
    weightsBeside: true,
    aliases: ['ViT-SO400M-16-SigLIP2-384', 'timm/ViT-SO400M-16-SigLIP2-384'],
  },
  {
    name: 'clip-xlm-roberta-b-32',
    title: 'CLIP ViT-B/32 of LAION with XLM-RoBERTa',
    export: 'XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k',
    dimension: 512,
    ...MULTILINGUAL,
    published: [0.6236, 0.6344],
    gflops: { image: 8.82, text: 97.05 },
    aliases: ['laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k'],
  },
  {
    name: 'clip-xlm-roberta-h-14',
    title: 'CLIP ViT-H/14 of LAION with XLM-RoBERTa Large',
    export: 'XLM-Roberta-Large-ViT-H-14__frozen_laion5b_s13b_b90k',
    dimension: 1024,
    ...MULTILINGUAL,
    published: [0.7695, 0.7305],
    gflops: { image: 334.59, text: 336.42 },
    weightsBeside: true,
    aliases: ['laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k'],
  },
  {
    name: 'm-clip-b-32',
    title: 'M-CLIP: XLM-RoBERTa Large on ViT-B/32 of OpenAI',
    export: 'XLM-Roberta-Large-Vit-B-32',
    dimension: 512,
    ...MULTILINGUAL,
    weightsBeside: true,
    aliases: ['M-CLIP/XLM-Roberta-Large-Vit-B-32'],
  },
  {
    name: 'm-clip-l-14',
    title: 'M-CLIP: XLM-RoBERTa Large on ViT-L/14 of OpenAI',
    export: 'XLM-Roberta-Large-Vit-L-14',
    dimension: 768,
    ...MULTILINGUAL,
    weightsBeside: true,
    aliases: ['M-CLIP/XLM-Roberta-Large-Vit-L-14'],
  },
]

const FILES = [
  'config.json',
  'visual/preprocess_cfg.json',
  'visual/model.onnx',
  'textual/tokenizer.json',
  'textual/tokenizer_config.json',
  'textual/model.onnx',
]

/** As the hub has them, and as they are asked for. */
export const IMMICH_CATALOGUE: readonly CatalogueModel[] = EXPORTS.map((line) => {
  const { export: name, published, weightsBeside, aliases = [], ...model } = line
  const paths = weightsBeside ? [...FILES, 'visual/', 'textual/'] : FILES
  const repository = `immich-app/${name}`
  // Marqo, clip-as-service and open_clip write the same words, so Immich's name covers theirs.
  const own = model.name.endsWith('-immich') ? [] : [name]
  return {
    contextLength: 77,
    languages: ['en'],
    license: 'MIT',
    ...model,
    repository,
    files: paths.map((path) => ({ repository, revision: 'main', path, to: path })),
    ...(published && {
      quality: { imagenetTop1: published[0], cocoRecallAt5: published[1] },
    }),
    aliases: [repository, ...own, ...aliases],
  }
})
