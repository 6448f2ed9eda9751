import sharp from 'sharp'
import { expect, test } from 'vitest'
import { withShrinkOnLoad } from '../../src/models/every-pixel.ts'
import { preprocess } from '../../src/models/preprocess.ts'
import { findModel } from '../../src/models/registry.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'

test('without shrinking on load the recipe is another one, the space the same', async () => {
  const usual = await findModel('lucida-clip-1')
  expect(withShrinkOnLoad(usual, true)).toBe(usual)
  const other = withShrinkOnLoad(usual, false)
  expect(other.recipe).toMatch(/^[0-9a-f]{16}$/)
  expect(other.recipe).not.toBe(usual.recipe)
  expect(other.space).toBe(usual.recipe)
})

test.each(['jpeg', 'png'] as const)(
  'a large %s is then filtered pixel by pixel',
  async (format) => {
    const usual = await findModel('lucida-clip-1')
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
    const create = { width: 2400, height: 2000, channels: 3, noise } as const
    const bytes = await sharp({ create: { ...create, background: '#888' } })
      .toFormat(format)
      .toBuffer()
    const decoded = sharp(bytes).raw().toBuffer()
    const whole = { data: await decoded, widthPx: 2400, heightPx: 2000, channels: 3 } as const
    const exact = await preprocess(
      { ...(await openPicture(bytes)), raster: async () => whole },
      usual.pixels,
    )
    const { pixels } = withShrinkOnLoad(usual, false)
    expect(await preprocess(bytes, pixels)).toEqual(exact)
    expect(await preprocess(bytes, usual.pixels)).not.toEqual(exact)
  },
)
