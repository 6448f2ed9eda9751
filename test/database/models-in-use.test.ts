// The model that a collection has chosen: checked by the doctor, and not removed from under it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findModel } from '../../src/models/registry.ts'
import { noteServing } from '../../src/store/serving.ts'
import { ALTERED, writeAlteredModel } from '../helpers/altered-model.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'

describeDatabase('the model of a collection', (newPlace) => {
  test('is the one that the doctor checks, and its files stay', async () => {
    await using place = await newPlace()
    const models = join(place.dataDir, 'models')
    await writeAlteredModel(models)
    const { name: model, recipe } = await findModel(ALTERED, models)
    const database = await place.open()
    await noteServing(database.db, { model, recipe })
    await database.close()
    const env = {
      LUCIDA_MODELS_DIR: models,
      LUCIDA_DATA_DIR: place.dataDir,
      ...(place.databaseUrl && { DATABASE_URL: place.databaseUrl }),
    }
    const removed = await runCaptured(['models', 'remove', ALTERED], { env })
    expect(removed.code).toBe(1)
    expect(removed.err).toContain(`uses ${ALTERED}`)
    expect(existsSync(join(models, ALTERED))).toBe(true)
    const { out } = await runCaptured(['doctor', '--json'], { env })
    const [files] = JSON.parse(out).filter(
      (check: { name: string }) => check.name === 'model files',
    )
    expect(files.detail).toMatch(new RegExp(`^${ALTERED}: `))
  })
})
