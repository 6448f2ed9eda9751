// Models: which one answers, and the change from one to another while searches go on.
import { createRoute, z } from '@hono/zod-openapi'
import { LucidaError } from '../core/errors.ts'
import { knownModel, type ModelStatus } from '../lucida.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { RequestError } from './errors.ts'
import {
  DroppedResponse,
  FillFailuresResponse,
  ModelParams,
  ModelsResponse,
  type ModelsState,
  UseModelRequest,
} from './model-contract.ts'
import { answers, at, errors, takes } from './route.ts'

const models = createRoute({
  ...at('models'),
  summary: 'The model that answers, and how a change to another goes',
  middleware: [needs('read')],
  responses: { 200: answers(ModelsResponse, 'How it stands'), ...errors() },
})

const useModel = createRoute({
  ...at('useModel'),
  summary:
    'Change to another model: it is filled while the first answers, then answers itself. The one ' +
    'that answers ends a change under way',
  middleware: [needs('admin')],
  request: { body: takes(UseModelRequest) },
  responses: { 202: answers(ModelsResponse, 'How it stands'), ...errors(404, 415) },
})

const NOTHING = z.strictObject({})

const pauseModel = createRoute({
  ...at('pauseModel'),
  summary: 'Let the change of model rest; what it has done is kept',
  middleware: [needs('admin')],
  request: { body: takes(NOTHING) },
  responses: { 200: answers(ModelsResponse, 'How it stands'), ...errors(415) },
})

const resumeModel = createRoute({
  ...at('resumeModel'),
  summary: 'Go on with the change of model, and try again what could not be read',
  middleware: [needs('admin')],
  request: { body: takes(NOTHING) },
  responses: { 202: answers(ModelsResponse, 'How it stands'), ...errors(415) },
})

const rollbackModel = createRoute({
  ...at('rollbackModel'),
  summary: 'Back to the model before, at once; pictures that came since are filled in afterwards',
  middleware: [needs('admin')],
  request: { body: takes(NOTHING) },
  responses: { 202: answers(ModelsResponse, 'How it stands'), ...errors(404, 415) },
})

const dropModel = createRoute({
  ...at('dropModel'),
  summary: 'Delete the vectors of a model that is not in use',
  middleware: [needs('admin')],
  request: { params: ModelParams },
  responses: { 200: answers(DroppedResponse, 'How many there were'), ...errors(404) },
})

const modelFailures = createRoute({
  ...at('modelFailures'),
  summary: 'Pictures that the model of the change cannot be given, the first 1000 by path',
  middleware: [needs('admin')],
  responses: { 200: answers(FillFailuresResponse, 'Pictures'), ...errors() },
})

/** For the types of the client. */
export const modelRoutes = {
  models,
  useModel,
  pauseModel,
  resumeModel,
  rollbackModel,
  dropModel,
  modelFailures,
}

const PLAIN_NAME = /^[a-z0-9][a-z0-9.-]*$/i
const MOST_FAILURES = 1000

/** Adds the routes of models. */
export function mountModels(app: Api, { lucida }: ApiContext): void {
  app.openapi(models, async (c) => c.json(toState(await lucida.models.status()), 200))

  app.openapi(useModel, async (c) => {
    const { model: asked, now = false } = c.req.valid('json')
    const model = knownModel(asked)?.name ?? asked
    // Folders are for the shell.
    if (!PLAIN_NAME.test(model)) {
      throw new RequestError('not_found', `No model is called ${model}`)
    }
    return c.json(toState(await atHand(lucida.models.use(model, { now }))), 202)
  })

  app.openapi(pauseModel, async (c) => c.json(toState(await lucida.models.pause()), 200))
  app.openapi(resumeModel, async (c) => c.json(toState(await lucida.models.resume()), 202))
  app.openapi(rollbackModel, async (c) => {
    return c.json(toState(await atHand(lucida.models.rollback())), 202)
  })

  app.openapi(dropModel, async (c) => {
    return c.json({ dropped: await lucida.models.drop(c.req.valid('param').model) }, 200)
  })

  app.openapi(modelFailures, async (c) => {
    const items = (await lucida.models.failures(MOST_FAILURES)).map(
      ({ content, path, code, reason }) => ({ id: content, path, code, reason }),
    )
    return c.json({ items }, 200)
  })
}

/** A name that no model has is the caller's mistake, not the server's. */
async function atHand<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    if (!(error instanceof LucidaError) || error.code !== 'model_missing') throw error
    throw new RequestError('not_found', error.message)
  })
}

/** In the order in which the shell prints it. */
function toState(status: ModelStatus): ModelsState {
  const { pinned, serving, previous, change, trouble, stored } = status
  return {
    pinned,
    serving: { ...serving },
    previous,
    change: change && { ...change, since: change.since.toISOString() },
    trouble,
    stored: stored.map((one) => ({ ...one })),
  }
}
