// What is opened to draw with a model is closed with it.
import { expect, test, vi } from 'vitest'
import { resolveConfig } from '../../src/config.ts'
import { openDrawing } from '../../src/drawing.ts'
import { findModel } from '../../src/models/registry.ts'
import { openServingSpace } from '../../src/serving-space.ts'
import { openSpace } from '../../src/space.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'

const painter = useFakePainter()

test('a painter is closed with the model that it draws with', async () => {
  const config = resolveConfig({ flags: {}, env: {} })
  const options = { config, database: { db: {}, storeId: 'any' }, quietSince: () => 1, shared: {} }
  const open = async () =>
    openSpace(await findModel('lucida-clip-1', config.modelsDir), options as never)
  const spaces = openServingSpace(await open(), null)
  const drawing = openDrawing({ config, spaces } as never)
  const order = { idea: { text: 'fog' }, candidates: 0 }
  for (let times = 0; times < 2; times++) {
    await expect(drawing.plan(order)).rejects.toMatchObject({ code: 'bad_input' })
  }
  expect(painter.closed).toBe(0)
  spaces.replace(await open())
  await vi.waitFor(() => expect(painter.closed).toBe(1))
  await expect(drawing.plan(order)).rejects.toMatchObject({ code: 'bad_input' })
  await spaces.close()
  expect(painter.closed).toBe(2)
})
