// How a model wants its pictures, read from the Hugging Face preprocessor_config.json.
import { z } from 'zod'
import { LucidaError } from '../core/errors.ts'
import type { Filter } from '../pictures/resample.ts'

/**
 * Conventions that every model shares here and that also decide a vector; part of the recipe.
 * Upright by EXIF (PIL's CLIP ignores it, people do not), transparent pixels on white, 8-bit sRGB,
 * first frame of an animation, resized as PIL does.
 */
export const PIXEL_CONVENTIONS = 'upright,white,srgb8,first-frame,pil'

/** One number for each of R, G and B. */
const colour = <T extends z.ZodType>(number: T) => z.tuple([number, number, number])

/** The fields of preprocessor_config.json that Lucida obeys. */
export const preprocessorSchema = z.object({
  size: z.union([
    z.number().int().positive(),
    z.object({ shortest_edge: z.number().int().positive() }),
    z.object({ height: z.number().int().positive(), width: z.number().int().positive() }),
  ]),
  do_resize: z.literal(true).default(true),
  do_center_crop: z.boolean().default(true),
  crop_size: z
    .union([
      z.number().int().positive(),
      z.object({ height: z.number().int().positive(), width: z.number().int().positive() }),
    ])
    .optional(),
  /** PIL's filter number. */
  resample: z.number().int().default(3),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_rescale: z.boolean().default(true),
  do_normalize: z.boolean().default(true),
  image_mean: colour(z.number()).optional(),
  image_std: colour(z.number().positive()).optional(),
  /** Not Hugging Face's: what open_clip's settings are turned into. */
  crop_rounding: z.literal('half-even').optional(),
})

/** PIL's filter numbers, by the names that open_clip uses. */
const INTERPOLATIONS = { bilinear: 2, bicubic: 3 } as const

/** open_clip's preprocess_cfg.json, as the same fields. */
const openClipSchema = z
  .object({
    size: z.union([z.number().int().positive(), z.tuple([z.number(), z.number()])]),
    mean: colour(z.number()),
    std: colour(z.number().positive()),
    interpolation: z.enum(['bilinear', 'bicubic']).default('bicubic'),
    resize_mode: z.enum(['shortest', 'squash']).default('shortest'),
  })
  .transform(({ size, mean, std, interpolation, resize_mode }) => {
    const [height, width] = typeof size === 'number' ? [size, size] : size
    const side = resize_mode === 'squash' ? { height, width } : Math.min(height, width)
    return preprocessorSchema.parse({
      size: side,
      crop_size: { height, width },
      resample: INTERPOLATIONS[interpolation],
      image_mean: mean,
      image_std: std,
      crop_rounding: 'half-even',
    })
  })

/** Either of them. */
export const preprocessorConfig = z.union([openClipSchema, preprocessorSchema])

/** Resize, crop and scale rule of one model. */
export interface PixelRule {
  /** `squash` ignores the aspect ratio; `shortest-edge` keeps it and crops the middle. */
  readonly resize: 'squash' | 'shortest-edge'
  /** Side of the square (or height and width) that the tower takes. */
  readonly heightPx: number
  readonly widthPx: number
  /** Shorter side after resizing, before the crop; equal to the tower's side when squashing. */
  readonly shortestEdgePx: number
  /** Half a pixel left of the crop goes to the even side (torchvision); else down (transformers). */
  readonly cropRounding?: 'half-even'
  /** PIL's filter. */
  readonly filter: Filter
  /** value = (byte · rescale − mean) / std, per channel R, G, B. */
  readonly rescale: number
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  /** The filter gets all pixels of a large picture, not a smaller one made while it is decoded. */
  readonly everyPixel?: true
}

/** PIL.Image.Resampling, by number. */
const FILTERS: Record<number, Filter> = {
  1: 'lanczos3',
  2: 'linear',
  3: 'cubic',
}

/** Turns preprocessor_config.json into a rule. Throws `model_invalid` for an unknown filter. */
export function pixelRule(config: z.infer<typeof preprocessorSchema>): PixelRule {
  const filter = FILTERS[config.resample]
  if (!filter) {
    throw new LucidaError(
      'model_invalid',
      `Expected resample 1 to 3 but received ${config.resample}`,
    )
  }
  const { do_normalize: normalizes, image_mean: mean, image_std: std } = config
  if (normalizes && !(mean && std)) {
    throw new LucidaError('model_invalid', 'Expected image_mean and image_std, or no do_normalize')
  }
  const common = {
    filter,
    rescale: config.do_rescale ? config.rescale_factor : 1,
    mean: normalizes ? mean! : ([0, 0, 0] as const),
    std: normalizes ? std! : ([1, 1, 1] as const),
  }
  if (typeof config.size === 'object' && 'height' in config.size) {
    const { height, width } = config.size
    const shortestEdgePx = Math.min(height, width)
    return { resize: 'squash', heightPx: height, widthPx: width, shortestEdgePx, ...common }
  }
  const edge = typeof config.size === 'number' ? config.size : config.size.shortest_edge
  const crop = config.do_center_crop ? (config.crop_size ?? edge) : edge
  const [heightPx, widthPx] = typeof crop === 'number' ? [crop, crop] : [crop.height, crop.width]
  if (Math.max(heightPx, widthPx) > edge) {
    throw new LucidaError(
      'model_invalid',
      `The crop of ${widthPx} x ${heightPx} is larger than ${edge}`,
    )
  }
  const rounding = config.crop_rounding && { cropRounding: config.crop_rounding }
  return {
    resize: 'shortest-edge',
    heightPx,
    widthPx,
    shortestEdgePx: edge,
    ...rounding,
    ...common,
  }
}
