import { describe, expect, test } from 'vitest'
import { pixelRule, preprocessorConfig, preprocessorSchema } from '../../src/models/pixel-rule.ts'

// Mean and deviation of OpenAI's CLIP.
const COLOURS = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
}

const ruleOf = (config: object) => pixelRule(preprocessorSchema.parse({ ...COLOURS, ...config }))

const cropped = { resize: 'shortest-edge', heightPx: 224, widthPx: 224, shortestEdgePx: 224 }

describe('a Hugging Face preprocessor_config.json', () => {
  test('of CLIP keeps the aspect ratio and crops the middle', () => {
    const rule = ruleOf({
      crop_size: { height: 224, width: 224 },
      do_center_crop: true,
      do_normalize: true,
      do_resize: true,
      resample: 3,
      rescale_factor: 0.00392156862745098,
      size: { shortest_edge: 224 },
    })
    expect(rule).toEqual({
      ...cropped,
      filter: 'cubic',
      rescale: 1 / 255,
      mean: COLOURS.image_mean,
      std: COLOURS.image_std,
    })
  })

  test('of the first CLIP releases gives sizes as numbers', () => {
    expect(ruleOf({ crop_size: 224, size: 224 })).toMatchObject(cropped)
  })

  test('may resize to more than it crops', () => {
    expect(ruleOf({ crop_size: 224, size: 256 })).toMatchObject({ ...cropped, shortestEdgePx: 256 })
  })

  test('without a crop size crops to the shorter side', () => {
    expect(ruleOf({ size: { shortest_edge: 224 } })).toMatchObject(cropped)
    expect(ruleOf({ size: 224, do_center_crop: false, crop_size: 200 })).toMatchObject(cropped)
  })

  test('of SigLIP squashes', () => {
    const rule = ruleOf({
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
      resample: 3,
      size: { height: 384, width: 256 },
    })
    expect(rule).toMatchObject({ resize: 'squash', heightPx: 384, widthPx: 256, filter: 'cubic' })
    expect(rule.mean).toEqual([0.5, 0.5, 0.5])
  })

  test.each([
    [1, 'lanczos3'],
    [2, 'linear'],
    [3, 'cubic'],
  ])("names PIL's filter %i, which is %s here", (resample, filter) => {
    expect(ruleOf({ size: 224, resample }).filter).toBe(filter)
  })

  test('with a filter that does not exist here is refused', () => {
    expect(() => ruleOf({ size: 224, resample: 4 })).toThrow(
      expect.objectContaining({
        code: 'model_invalid',
        message: 'Expected resample 1 to 3 but received 4',
      }),
    )
  })

  test.each([
    ['no size', {}],
    ['pictures left at their own size', { size: 224, do_resize: false }],
    ['a size of nothing', { size: 0 }],
    ['two means', { size: 224, image_mean: [0.5, 0.5] }],
    ['a deviation of zero', { size: 224, image_std: [0.5, 0, 0.5] }],
  ])('with %s is not valid', (_, config) => {
    expect(preprocessorSchema.safeParse({ ...COLOURS, ...config }).success).toBe(false)
  })
})

test('open_clip’s preprocess_cfg.json crops as torchvision does', () => {
  const config = { size: [224, 224], mean: [0, 0, 0], std: [1, 1, 1], resize_mode: 'shortest' }
  expect(pixelRule(preprocessorConfig.parse(config))).toMatchObject({
    ...cropped,
    cropRounding: 'half-even',
  })
})
