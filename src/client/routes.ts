// Every route of the HTTP API by name: its method and its path. The server mounts them, the OpenAPI
// document lists them and the client calls them, all from this table.

/** Method and path; `{…}` is a parameter. */
export const ROUTES = {
  search: ['get', '/v1/search'],
  searchTerms: ['post', '/v1/search'],
  searchImage: ['post', '/v1/search/image'],
  image: ['get', '/v1/images/{id}'],
  thumbnail: ['get', '/v1/images/{id}/thumbnail'],
  file: ['get', '/v1/images/{id}/file'],
  similar: ['get', '/v1/images/{id}/similar'],
  forgetImage: ['delete', '/v1/images/{id}'],
  classify: ['post', '/v1/classify'],
  embed: ['post', '/v1/embed'],
  status: ['get', '/v1/status'],
  facets: ['get', '/v1/facets'],
  duplicates: ['get', '/v1/duplicates'],
  failures: ['get', '/v1/failures'],
  roots: ['get', '/v1/roots'],
  addRoot: ['post', '/v1/roots'],
  removeRoot: ['delete', '/v1/roots'],
  startIndexing: ['post', '/v1/index'],
  jobs: ['get', '/v1/jobs'],
  job: ['get', '/v1/jobs/{id}'],
  cancelJob: ['delete', '/v1/jobs/{id}'],
  jobEvents: ['get', '/v1/jobs/{id}/events'],
  startGeneration: ['post', '/v1/generations'],
  generation: ['get', '/v1/generations/{id}'],
  cancelGeneration: ['delete', '/v1/generations/{id}'],
  generationEvents: ['get', '/v1/generations/{id}/events'],
  candidate: ['get', '/v1/generations/{id}/candidates/{n}'],
  keepCandidate: ['post', '/v1/generations/{id}/candidates/{n}/keep'],
  session: ['get', '/v1/session'],
  signIn: ['post', '/v1/session'],
  signOut: ['delete', '/v1/session'],
  keys: ['get', '/v1/keys'],
  createKey: ['post', '/v1/keys'],
  revokeKey: ['delete', '/v1/keys/{id}'],
  knnService: ['post', '/knn-service'],
  metadata: ['post', '/metadata'],
  indicesList: ['get', '/indices-list'],
  livez: ['get', '/livez'],
  readyz: ['get', '/readyz'],
  metrics: ['get', '/metrics'],
} as const satisfies Record<string, readonly ['get' | 'post' | 'delete', string]>

/** Name of a route. */
export type RouteName = keyof typeof ROUTES
