import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/models/catalogue.ts'
import { modelName } from '../../src/models/manifest.ts'
import { partsOf, withData } from '../../src/models/model-parts.ts'
import { knownModel, nearestNames, requireKnownModel } from '../../src/models/names.ts'

describe('a model is found by', () => {
  test.each([
    // Its own name, whatever the case and the blanks around it.
    ['clip-vit-b-32', 'clip-vit-b-32'],
    [' CLIP-ViT-B-32 ', 'clip-vit-b-32'],
    // OpenAI's names.
    ['ViT-B/32', 'clip-vit-b-32'],
    ['ViT-B/16', 'clip-vit-b-16'],
    ['ViT-L/14', 'clip-vit-l-14'],
    ['ViT-L/14@336px', 'clip-vit-l-14-336'],
    // open_clip's, and what clip-retrieval, clip-as-service, Marqo and Immich make of them.
    ['ViT-B-32/openai', 'clip-vit-b-32'],
    ['ViT-B-32-quickgelu/openai', 'clip-vit-b-32'],
    ['open_clip:ViT-B-32/openai', 'clip-vit-b-32'],
    ['ViT-B-32::openai', 'clip-vit-b-32'],
    ['open_clip/ViT-B-32/openai', 'clip-vit-b-32'],
    ['ViT-B-32__openai', 'clip-vit-b-32'],
    ['ViT-B-32/laion2b_s34b_b79k', 'clip-vit-b-32-laion2b'],
    ['open_clip/ViT-B-32/laion2b_s34b_b79k', 'clip-vit-b-32-laion2b'],
    ['ViT-B-32__laion2b-s34b-b79k', 'clip-vit-b-32-laion2b'],
    ['XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k', 'clip-xlm-roberta-b-32'],
    ['xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k', 'clip-xlm-roberta-b-32'],
    ['ViT-B-16-SigLIP__webli', 'siglip-b-16'],
    ['ViT-B-16-SigLIP2/webli', 'siglip2-b-16'],
    // Repositories of the hub, of the weights and of their exports.
    ['openai/clip-vit-base-patch32', 'clip-vit-b-32'],
    ['Xenova/clip-vit-base-patch32', 'clip-vit-b-32'],
    ['clip-vit-base-patch32', 'clip-vit-b-32'],
    ['https://huggingface.co/Xenova/clip-vit-base-patch32', 'clip-vit-b-32'],
    ['hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K', 'clip-vit-b-32-laion2b'],
    ['hf-hub:timm/ViT-B-16-SigLIP2', 'siglip2-b-16'],
    ['google/siglip2-base-patch16-224', 'siglip2-b-16'],
    ['Xenova/mobileclip_s0', 'mobileclip-s0'],
    ['MobileCLIP-S2-OpenCLIP', 'mobileclip-s2'],
    // The very export that is meant.
    ['immich-app/ViT-B-32__openai', 'clip-vit-b-32-immich'],
    ['Qdrant/clip-ViT-B-32-text', 'clip-vit-b-32-qdrant'],
    ['M-CLIP/XLM-Roberta-Large-Vit-B-32', 'm-clip-b-32'],
    ['XLM-Roberta-Large-ViT-H-14__frozen_laion5b_s13b_b90k', 'clip-xlm-roberta-h-14'],
    ['ViT-H-14-378-quickgelu::dfn5b', 'clip-vit-h-14-378-dfn5b'],
    ['ViT-SO400M-14-SigLIP-384/webli', 'siglip-so400m-14-384'],
    // Other precisions.
    ['clip-vit-b-32-fp16', 'clip-vit-b-32-fp16'],
    ['Xenova/clip-vit-base-patch32@q8', 'clip-vit-b-32-q8'],
    ['ViT-B/32:quantized', 'clip-vit-b-32-q8'],
    ['openai/clip-vit-base-patch32_uint8', 'clip-vit-b-32-uint8'],
  ])('%s', (written, name) => {
    expect(knownModel(written)?.name).toBe(name)
  })
})

test('a name that nobody knows is refused with the nearest ones', () => {
  expect(knownModel('clip-9000')).toBeUndefined()
  expect(nearestNames('siglipp-b-16')[0]).toBe('siglip-b-16')
  expect(() => requireKnownModel('ViT-B/33')).toThrow(
    expect.objectContaining({
      code: 'model_missing',
      message: expect.stringMatching(/ViT-B\/33; the nearest names are .*clip-vit-b-32/),
    }),
  )
})

describe('the catalogue', () => {
  test('gives no two models the same name', () => {
    const spelt = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
    const owners = new Map<string, string>()
    for (const { name, repository, aliases } of CATALOGUE) {
      const own = new Set([name, ...aliases].map(spelt))
      for (const alias of own) {
        expect([alias, owners.get(alias) ?? name]).toEqual([alias, name])
        owners.set(alias, name)
      }
      // Precisions share a repository, which by itself means the first of them.
      expect(knownModel(repository)).toBeDefined()
    }
    for (const { name } of CATALOGUE) expect(knownModel(name)?.name).toBe(name)
  })

  test.each(CATALOGUE.map((model) => [model.name, model] as const))('describes %s', (_, model) => {
    expect(modelName.safeParse(model.name).success).toBe(true)
    expect(model.languages.length).toBeGreaterThan(0)
    const targets = model.files.map(({ to }) => to)
    const parts = partsOf(targets)
    expect(parts).toBeDefined()
    expect(targets).toEqual(
      expect.arrayContaining(['config.json', parts!.preprocessor, ...parts!.tokenizer]),
    )
    expect(new Set(targets).size).toBe(targets.length)
    for (const { sha256 = 'a'.repeat(64), sizeBytes = 1 } of model.files) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(sizeBytes).toBeGreaterThan(0)
    }
  })
})

test('the weights of a graph lie beside it, named after it or as they like', () => {
  const settings = ['config.json', 'visual/preprocess_cfg.json', 'textual/tokenizer.json']
  const named = ['onnx/text_model.onnx', 'onnx/text_model.onnx_data', 'onnx/vision_model.onnx']
  expect(withData('onnx/text_model.onnx', [...settings, ...named])).toEqual(named.slice(0, 2))
  const free = ['visual/model.onnx', 'visual/layer.0.weight', 'visual/Constant_7']
  const other = ['textual/model.onnx', 'textual/layer.0.weight']
  expect(withData('visual/model.onnx', [...settings, ...free, ...other])).toEqual([
    'visual/model.onnx',
    'visual/Constant_7',
    'visual/layer.0.weight',
  ])
})
