import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findPipeline, listPipelines } from '../../src/generate/pipelines.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { PIPELINES } from '../helpers/toy-pipelines.ts'

test('the built-in pipeline is found by its name', async () => {
  expect(await findPipeline(' Lucida-unCLIP-1 ')).toMatchObject({ name: 'lucida-unclip-1' })
})

test('a pipeline is found by its folder', async () => {
  const folder = join(PIPELINES, 'toy-unclip')
  expect(await findPipeline(folder)).toMatchObject({ name: 'toy-unclip', directory: folder })
})

test('a pipeline in the models folder is found by its name, beside models and broken ones', async () => {
  await using models = await newFolder()
  await cp(join(PIPELINES, 'toy-unclip'), models.at('toy-unclip'), { recursive: true })
  await models.write('broken/pipeline.json', Buffer.from('{'))
  await models.write('a-model/manifest.json', Buffer.from('{}'))
  expect(await findPipeline('toy-unclip', models.path)).toMatchObject({ name: 'toy-unclip' })
  const names = (await listPipelines(models.path)).map(({ name }) => name)
  expect(names).toEqual(['lucida-unclip-1', 'toy-unclip'])
})

test('a name that nothing has is refused, with those that there are', async () => {
  await expect(findPipeline('dall-e', '/nowhere')).rejects.toMatchObject({
    code: 'model_missing',
    message: expect.stringContaining('lucida-unclip-1'),
  })
})
