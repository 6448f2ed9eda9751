// The contract of the HTTP API: a schema for everything that comes in and goes out. Validation, the
// OpenAPI document, the types of the client and of the page all follow from it.
import { z } from '@hono/zod-openapi'
import { CONCEPT_NAME, parseConceptFilter } from '../core/concept-name.ts'

/** Pictures of one page of results, unless asked otherwise. */
export const DEFAULT_LIMIT = 20
/** Longest edges, in pixels, in which thumbnails are made. */
export const THUMBNAIL_SIZES = [160, 320, 640, 1280] as const
/** Terms, texts or pictures in one request. */
export const MAX_TERMS = 64
const MAX_TEXT = 10_000
/** Of a text that is drawn. */
const MAX_DRAWN_TEXT = 4000
/** Longer paths are refused by every system. */
const MAX_PATH = 4096
const MAX_DIMENSION = 8192

// Postgres stores no NUL, and no half of a surrogate pair in JSON.
const UNSTORABLE = /[\0\p{Surrogate}]/u
const textUpTo = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !UNSTORABLE.test(value), 'Expected whole characters other than NUL')
const text = textUpTo(MAX_TEXT)
const path = text.max(MAX_PATH)
/** A text that is drawn. */
export const drawnText = textUpTo(MAX_DRAWN_TEXT)
const number = z.number()

/** SHA-256 of a picture's file. */
export const ImageId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'Expected 64 hexadecimal digits')
  .openapi({ description: "SHA-256 of the picture's file", example: '0'.repeat(64) })

const weight = z
  .number()
  .min(-100)
  .max(100)
  .refine((value) => value !== 0, 'Expected a number other than 0')
  .optional()
  .openapi({ description: '1 when not given; a negative weight subtracts' })

/** A picture in base64. */
export const pictureBase64 = z.string().min(1).openapi({
  format: 'byte',
  description: 'A picture file in base64; a data: URL is taken too',
})

const vector = z.array(number).min(1).max(MAX_DIMENSION)

const localPath = path.openapi({
  description: "A file of the server's machine; for the shell, over the directory's socket, only",
})

/** One picture by its id, its bytes or its address. */
export const PictureSource = z
  .union([
    z.strictObject({ id: ImageId }),
    z.strictObject({ image: pictureBase64 }),
    z.strictObject({ url: z.string().min(1).max(8192) }),
    z.strictObject({ path: localPath }),
  ])
  .openapi('PictureSource')

/** One term of a query. */
export const Term = z
  .union([
    z.strictObject({ text, weight }),
    z.strictObject({ id: ImageId, weight }),
    z.strictObject({ image: pictureBase64, weight }),
    z.strictObject({ url: z.string().min(1).max(8192), weight }),
    z.strictObject({ path: localPath, weight }),
    z.strictObject({ vector, weight }),
  ])
  .openapi('Term', {
    description:
      'A text, the id of an indexed picture, a picture in base64, the URL of one (where remote ' +
      'addresses are allowed) or a vector; terms are summed by weight',
  })

/** Of a concept that was taught. */
export const ConceptName = z
  .string()
  .min(1)
  .max(64)
  .refine((value) => CONCEPT_NAME.test(value), 'Expected letters, digits, spaces, - or _')
  .openapi({ description: 'A concept that was taught (POST /v1/concepts)', example: 'red mug' })

/** One term of a search. */
export const QueryTerm = z
  .union([Term, z.strictObject({ concept: ConceptName, weight })])
  .openapi('QueryTerm', { description: 'A term, or a concept that was taught' })

const degrees = (limit: number) => number.min(-limit).max(limit)
const date = text.max(30).openapi({
  description: 'A year, month, day or time: 2020, 2020-05, 2020-05-31, 2020-05-31T18:00',
})
const orientation = z.enum(['landscape', 'portrait', 'square'])
const generated = z.enum(['any', 'only', 'none']).openapi({
  description:
    'Pictures that a trained algorithm made, as their files say; by default those that Lucida ' +
    'drew itself are left out',
})
const pixels = z.int().min(1).max(1_000_000)

/** Conditions on a picture's metadata; all that are given must hold. */
export const Filter = z
  .strictObject({
    root: path.optional().openapi({ description: 'An indexed folder' }),
    folder: path.optional().openapi({ description: 'Any folder, with all that lies below' }),
    format: z.array(text.max(20)).min(1).max(20).optional(),
    after: date.optional(),
    before: date.optional(),
    camera: text.max(200).optional().openapi({ description: 'Part of make and model' }),
    lens: text.max(200).optional(),
    near: z
      .strictObject({
        latitude: degrees(90),
        longitude: degrees(180),
        radiusKm: number.min(0).max(1e6),
      })
      .optional(),
    box: z
      .strictObject({
        south: degrees(90),
        west: degrees(180),
        north: degrees(90),
        east: degrees(180),
      })
      .optional()
      .openapi({ description: 'Crosses the antimeridian when west is greater than east' }),
    gps: z.boolean().optional(),
    orientation: orientation.optional(),
    minWidth: pixels.optional(),
    minHeight: pixels.optional(),
    generated: generated.optional(),
    concept: z
      .strictObject({ name: ConceptName, atLeast: number.min(0).max(1).optional() })
      .optional()
      .openapi({ description: 'Probably one; from a probability of 0.5 when not given' }),
  })
  .openapi('Filter')

const limit = z.int().min(1).max(1000)
const cursor = z.string().min(1).max(1000)
const minScore = number.min(-1).max(1)
const orderBy = z.enum(['score', 'takenAt'])
const attribute = z.string().min(1).max(50)
const debias = attribute.openapi({
  description:
    'Name of an attribute (`GET /v1/attributes`) that is taken out of a query by texts, unless ' +
    'the query asks for it',
})
const balance = attribute.openapi({
  description:
    'Name of an attribute by which the first 200 results are balanced; not for results by date',
})
const ifNotFound = z.enum(['nothing', 'generate']).openapi({
  description:
    'For texts: where nothing on the first page is relevant, draws a picture, and keeps it if it ' +
    'is better than what is there',
})

/** Body of `POST /v1/search`. */
export const SearchRequest = z
  .strictObject({
    terms: z.array(QueryTerm).max(MAX_TERMS).optional().openapi({
      description: 'Without a term, pictures are listed by date, newest first',
    }),
    filter: Filter.optional(),
    limit: limit.default(DEFAULT_LIMIT),
    cursor: cursor.optional().openapi({ description: '`nextCursor` of the page before' }),
    offset: z.int().min(0).max(1_000_000_000).optional(),
    minScore: minScore.optional(),
    orderBy: orderBy.optional(),
    debias: debias.optional(),
    balance: balance.optional(),
    ifNotFound: ifNotFound.default('nothing'),
    withoutQuery: z.boolean().default(false).openapi({
      description: 'Leave out the pictures that the terms themselves name',
    }),
  })
  .openapi('SearchRequest')

/** A number in a query string. */
export const numeral = (schema: z.ZodNumber | z.ZodInt) =>
  z
    .string()
    .regex(/^-?\d+(\.\d+)?(e-?\d+)?$/i, 'Expected a number')
    .transform(Number)
    .pipe(schema)
    .openapi({ type: 'number' })

const numerals = (count: number, what: string) =>
  z
    .string()
    .transform((list) => list.split(',').map((part) => (part.trim() ? Number(part) : Number.NaN)))
    .refine((list) => list.length === count && list.every(Number.isFinite), `Expected ${what}`)
    .openapi({ type: 'string', description: what })

const repeated = <T extends z.ZodType>(one: T) =>
  z
    .union([one, z.array(one).max(MAX_TERMS)])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]) as z.output<T>[])

/** Conditions on metadata in a query string. */
export const FilterQuery = z.object({
  root: path.optional(),
  folder: path.optional(),
  format: text.max(400).optional().openapi({ description: 'Names separated by commas' }),
  after: date.optional(),
  before: date.optional(),
  camera: text.max(200).optional(),
  lens: text.max(200).optional(),
  near: numerals(3, 'latitude,longitude,kilometres').optional(),
  box: numerals(4, 'south,west,north,east').optional(),
  gps: z.enum(['true', 'false']).optional(),
  orientation: orientation.optional(),
  minWidth: numeral(pixels).optional(),
  minHeight: numeral(pixels).optional(),
  generated: generated.optional(),
  concept: text
    .max(80)
    .refine((value) => parseConceptFilter(value) !== null, 'Expected NAME or NAME:0.8')
    .optional()
    .openapi({ description: 'A concept, and from which probability (0.5): NAME or NAME:0.8' }),
})

/** Which part of the results. */
export const PageQuery = z.object({
  limit: numeral(limit).default(DEFAULT_LIMIT),
  cursor: cursor.optional(),
})

/** Query of `GET /v1/search`. */
export const SearchQuery = z
  .object({
    text: repeated(text).optional().openapi({
      description: 'What to look for, or concept:NAME (repeatable)',
    }),
    not: repeated(text).optional().openapi({
      description: 'Words to subtract, or concept:NAME (repeatable)',
    }),
    like: repeated(ImageId).optional().openapi({ description: 'Pictures to add, by id' }),
    unlike: repeated(ImageId).optional().openapi({ description: 'Pictures to subtract, by id' }),
    minScore: numeral(minScore).optional(),
    orderBy: orderBy.optional(),
    debias: debias.optional(),
    balance: balance.optional(),
    ifNotFound: ifNotFound.default('nothing'),
  })
  .extend(PageQuery.shape)
  .extend(FilterQuery.shape)

/** Query of `GET /v1/images/{id}/similar`. */
export const SimilarQuery = z
  .object({ minScore: numeral(minScore).optional() })
  .extend(PageQuery.shape)
  .extend(FilterQuery.shape)

/** Form of `POST /v1/search/image`. */
export const ImageForm = z.object({
  image: z
    .custom<File>((value) => value instanceof File, 'Expected a picture file')
    .openapi({ type: 'string', format: 'binary' }),
  text: repeated(text).optional().openapi({ description: 'Words to add' }),
  limit: numeral(limit).default(DEFAULT_LIMIT),
  minScore: numeral(minScore).optional(),
})

/** What results show of a picture. */
export const Image = z
  .object({
    id: ImageId,
    path: z.string().openapi({ description: 'Where it lies; the first that passes the filter' }),
    paths: z.array(z.string()),
    width: z.int().openapi({ description: 'Pixels, upright' }),
    height: z.int(),
    takenAt: z.string().nullable().openapi({
      description: 'Wall time at the camera',
      example: '2024-07-14T18:30:00',
    }),
    generated: z.boolean().openapi({
      description: 'Whether its file says that a trained algorithm made it',
    }),
    thumbHash: z.string().nullable().openapi({
      format: 'byte',
      description: 'A placeholder of about 25 bytes (ThumbHash)',
    }),
  })
  .openapi('Image')

/** Everything that is known about a picture. */
export const ImageDetail = Image.extend({
  format: z.string(),
  sizeBytes: z.int(),
  orientation: z.int().openapi({ description: 'EXIF orientation of the file, 1 to 8' }),
  takenOffsetMinutes: z.int().nullable(),
  cameraMake: z.string().nullable(),
  cameraModel: z.string().nullable(),
  lens: z.string().nullable(),
  latitude: number.nullable(),
  longitude: number.nullable(),
  altitudeM: number.nullable(),
  perceptualHash: z.string(),
  addedAt: z.string(),
  record: z.record(z.string(), z.unknown()).nullable().openapi({
    description: 'How it was drawn, where its file says so: idea, seed, steps, guidance, digests',
  }),
}).openapi('ImageDetail')

/** A concept of the safety policy. */
export const ConceptScore = z.object({ concept: z.string(), score: number }).openapi('ConceptScore')

/** A picture found. */
export const SearchItem = z
  .object({
    image: Image,
    safety: z.array(ConceptScore).openapi({
      description: 'Concepts of the safety policy that it may show, where results are labelled',
    }),
    score: number.nullable().openapi({ description: 'Cosine; null in a listing by date' }),
    relevance: number.nullable().openapi({
      description:
        'Percentile of the score among those of everyday captions with the same picture; null ' +
        'unless the query is all text',
    }),
  })
  .openapi('SearchItem')

export const JobState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled'])

/** What was begun because nothing was found. */
export const StartedGeneration = z
  .object({
    id: z.string(),
    status: JobState,
    picture: ImageId.nullable().openapi({ description: 'Drawn for the same search before' }),
    eventsUrl: z.string(),
  })
  .openapi('StartedGeneration')

/** An answer to a search. */
export const SearchResponse = z
  .object({
    items: z.array(SearchItem),
    nextCursor: z.string().nullable(),
    model: z.string(),
    tookMs: number,
    matching: z.int().openapi({ description: 'Pictures that pass the filter' }),
    searched: z.int().openapi({ description: 'Pictures in the index' }),
    relevanceThreshold: number.nullable().openapi({
      description: 'Relevance from which a picture is called relevant; null where not calibrated',
    }),
    adjusted: z
      .object({
        debias: z
          .object({
            attribute: z.string(),
            leftAsItIs: z.enum(['not_all_text', 'asks_for_it']).nullable().openapi({
              description: 'Why the query was not changed; null where it was',
            }),
          })
          .nullable(),
        balance: z
          .object({
            attribute: z.string(),
            leftAsItIs: z.enum(['asks_for_it']).nullable(),
            window: z.int().openapi({ description: 'So many of the best were put in new order' }),
          })
          .nullable(),
      })
      .nullable()
      .openapi({
        description: 'What `debias` and `balance` did; null where neither was asked for',
      }),
    leftOut: z.int().openapi({
      description: 'Pictures that the safety policy left out on the way to the end of this page',
    }),
    generation: StartedGeneration.nullable().openapi({
      description: 'What is being drawn, where `ifNotFound` asked for it and nothing was relevant',
    }),
  })
  .openapi('SearchResponse')

/** Body of `POST /v1/classify`. */
export const ClassifyRequest = z
  .strictObject({
    images: z.array(PictureSource).min(1).max(MAX_TERMS),
    labels: z.array(text.max(500)).min(1).max(1000).openapi({
      description: 'Words, or concept:NAME for a concept that was taught',
    }),
    templates: z
      .array(text.max(500))
      .min(1)
      .max(100)
      .optional()
      .openapi({
        description:
          'Captions with {} for the label, or `openai` or `simple` for published sets; averaged',
        example: ['a photo of a {}', 'a drawing of a {}'],
      }),
    multiLabel: z.boolean().default(false).openapi({
      description: 'Each label stands alone, instead of one against the others',
    }),
  })
  .openapi('ClassifyRequest')

/** A label with its score. */
export const LabelScore = z.object({ label: z.string(), score: number }).openapi('LabelScore')

/** One list a picture, best label first: the shape of Hugging Face's zero-shot pipeline. */
export const ClassifyResponse = z.array(z.array(LabelScore)).openapi('ClassifyResponse')

/** Body of `POST /v1/embed`. */
export const EmbedRequest = z
  .strictObject({
    texts: z.array(text).max(MAX_TERMS).default([]),
    images: z.array(PictureSource).max(MAX_TERMS).default([]),
  })
  .openapi('EmbedRequest')

/** Unit vectors, in the order of the request. */
export const EmbedResponse = z
  .object({
    model: z.string(),
    dimension: z.int(),
    texts: z.array(z.array(number)),
    images: z.array(z.array(number)),
  })
  .openapi('EmbedResponse')

/** An indexed folder. */
export const Root = z
  .object({
    path: z.string(),
    exclude: z.array(z.string()),
    addedAt: z.string(),
    indexedAt: z.string().nullable(),
    drawn: z.boolean().openapi({ description: "Lucida's own, for what it has drawn" }),
    pictures: z.int(),
    missing: z.int(),
    failures: z.int(),
  })
  .openapi('Root')

export const RootsResponse = z.object({
  items: z.array(Root),
  allowed: z.array(z.string()).openapi({
    description: 'Folders in which roots may be added over HTTP',
  }),
})

/** What is indexed, and with what. */
export const StatusResponse = z
  .object({
    dataDir: z.string(),
    database: z.enum(['pglite', 'postgres']),
    model: z.string(),
    index: z.enum(['exact', 'hnsw', 'pgvector']),
    searchable: z.int(),
    roots: z.array(Root),
    repaired: z
      .object({
        reason: z.string(),
        from: z.string().nullable(),
        brokenKeptAt: z.string().nullable(),
      })
      .nullable(),
  })
  .openapi('Status')

const exclude = z
  .array(text.max(1000))
  .max(200)
  .optional()
  .openapi({ description: 'Globs to leave out; kept with the folder' })

/** Body of `POST /v1/roots`: adds a folder and indexes it. */
export const AddRootRequest = z.strictObject({ path, exclude }).openapi('AddRootRequest')

/** Query of `DELETE /v1/roots`. */
export const RootQuery = z.object({ path })

/** Body of `POST /v1/index`. */
export const IndexRequest = z
  .strictObject({
    folders: z.array(path).max(1000).default([]).openapi({
      description: 'Indexed folders or folders inside them; all indexed folders when empty',
    }),
    exclude,
    prune: z.boolean().default(false).openapi({
      description: 'Delete what is gone, even where a drive looks unmounted',
    }),
  })
  .openapi('IndexRequest')

/** Counts of one folder's run. */
export const IndexCounts = z
  .object({
    seen: z.int(),
    embedded: z.int(),
    reused: z.int(),
    unchanged: z.int(),
    returned: z.int(),
    vanished: z.int(),
    pruned: z.int(),
    failed: z.int(),
    stillFailing: z.int(),
    waiting: z.int(),
    links: z.int(),
    rawsAside: z.int(),
  })
  .openapi('IndexCounts')

/** A run of the indexer. */
export const Job = z
  .object({
    id: z.string(),
    state: JobState,
    folders: z.array(z.string()).openapi({ description: 'All indexed folders when empty' }),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    folder: z.string().nullable().openapi({ description: 'The folder at work' }),
    done: z.int().openapi({ description: 'Files of this folder that are done' }),
    found: z.int().openapi({ description: 'Files of this folder found so far to need work' }),
    complete: z.boolean().openapi({ description: 'The walk has ended: `found` is the total' }),
    counts: IndexCounts.nullable(),
    failures: z
      .array(z.object({ path: z.string(), code: z.string(), reason: z.string() }))
      .openapi({
        description: 'The first hundred failures of this run',
      }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Job')

export const JobResponse = z.object({ job: Job })
export const JobsResponse = z.object({ items: z.array(Job) })

/** A file that could not be indexed. */
export const FailuresResponse = z.object({
  items: z.array(z.object({ path: z.string(), code: z.string(), reason: z.string() })),
  nextCursor: z.string().nullable(),
})

const count = <T extends z.ZodType>(value: T) => z.array(z.object({ value, count: z.int() }))

/** How many pictures there are of each kind. */
export const FacetsResponse = z
  .object({
    pictures: z.int(),
    year: count(z.int().nullable()),
    format: count(z.string()),
    camera: count(z.string().nullable()),
    lens: count(z.string().nullable()),
    root: count(z.string()),
    folder: count(z.string()),
    orientation: count(orientation),
    gps: count(z.boolean()),
    generated: count(z.boolean()),
  })
  .openapi('Facets')

/**
 * `exact`: one file in several places. `near`: resized, recompressed, mirrored or slightly changed
 * copies, and parts of a picture.
 * `look-alike`: pictures that mean the same to the model.
 */
export const DuplicateKind = z.enum(['exact', 'near', 'look-alike'])

export const DuplicatesQuery = z
  .object({
    kind: DuplicateKind.default('exact'),
    minScore: numeral(number.min(0.5).max(1)).optional().openapi({
      description: 'Cosine from which pictures are look-alikes; 0.95 when not given',
    }),
  })
  .extend(PageQuery.shape)

export const DuplicatesResponse = z
  .object({
    items: z.array(
      z.object({
        kind: DuplicateKind,
        images: z.array(Image).openapi({
          description: 'One picture with several paths, or several pictures, the first one first',
        }),
        similarity: z.array(number).openapi({
          description:
            'Of each picture to the first: 1 for exact copies, the share of equal bits of the ' +
            'perceptual hash for near ones (the correlation where one is a part of the other), ' +
            'the cosine for look-alikes',
        }),
      }),
    ),
    nextCursor: z.string().nullable().openapi({
      description: 'May be set beside few or no items: the search goes on there',
    }),
  })
  .openapi('Duplicates')

export const Scope = z.enum(['read', 'write', 'admin'])

/** A key of the API, as it may be shown. */
export const ApiKey = z
  .object({ id: z.string(), name: z.string(), scope: Scope, createdAt: z.string() })
  .openapi('ApiKey')

export const KeysResponse = z.object({ items: z.array(ApiKey) })
export const CreateKeyRequest = z
  .strictObject({ name: text.max(100), scope: Scope.default('read') })
  .openapi('CreateKeyRequest')
export const CreateKeyResponse = ApiKey.extend({
  key: z.string().openapi({ description: 'Shown this once' }),
}).openapi('CreatedApiKey')

/** Who is asking, for the page. */
export const SessionResponse = z
  .object({
    keyRequired: z.boolean(),
    scope: Scope.nullable().openapi({ description: 'What the caller may do; null: sign in first' }),
    csrfToken: z.string().nullable().openapi({
      description: 'Send as X-CSRF-Token with every POST and DELETE of a signed-in page',
    }),
  })
  .openapi('Session')

export const SignInRequest = z.strictObject({ key: z.string().min(1).max(200) })

export const ThumbnailQuery = z.object({
  size: numeral(z.int())
    .refine(
      (value) => (THUMBNAIL_SIZES as readonly number[]).includes(value),
      `Expected one of ${THUMBNAIL_SIZES.join(', ')}`,
    )
    .default(320)
    .openapi({
      type: 'integer',
      enum: [...THUMBNAIL_SIZES],
      description: 'Longest edge in pixels',
    }),
})

export const HealthResponse = z.object({ status: z.string() })

/** Every error. */
export const ErrorResponse = z
  .object({
    error: z.object({
      code: z.string().openapi({ description: 'Stable; callers may branch on it' }),
      message: z.string(),
      details: z.unknown().optional(),
    }),
  })
  .openapi('Error')

// clip-retrieval's shapes (https://github.com/rom1504/clip-retrieval, clip_back.py).

export const KnnRequest = z
  .object({
    text: z.string().max(MAX_TEXT).nullish(),
    image: z.string().nullish().openapi({ description: 'base64' }),
    image_url: z.string().max(8192).nullish(),
    embedding_input: vector.nullish(),
    modality: z.string().max(20).nullish(),
    num_images: z.int().min(1).max(10_000).default(100),
    num_result_ids: z.int().min(1).max(1_000_000).nullish().openapi({
      description: 'At most 1000 are answered',
    }),
    indice_name: z.string().max(200).nullish().openapi({ description: 'Name of the model' }),
  })
  .openapi('KnnRequest')

const KnnMetadata = {
  image_path: z.string(),
  url: z.string().openapi({ description: 'A thumbnail' }),
  width: z.int(),
  height: z.int(),
}

/** The first `num_images` with their metadata, the rest without. */
export const KnnResponse = z
  .array(z.object({ ...z.object(KnnMetadata).partial().shape, id: ImageId, similarity: number }))
  .openapi('KnnResponse')

export const MetadataRequest = z
  .object({
    ids: z.array(ImageId).max(1000),
    indice_name: z.string().max(200).nullish(),
  })
  .openapi('MetadataRequest')

export const MetadataResponse = z
  .array(z.object({ id: ImageId, metadata: z.object(KnnMetadata) }))
  .openapi('MetadataResponse')

export const IndicesResponse = z.array(z.string())

export type ImageId = z.output<typeof ImageId>
export type Term = z.output<typeof Term>
export type QueryTerm = z.output<typeof QueryTerm>
export type PictureSource = z.output<typeof PictureSource>
export type Filter = z.output<typeof Filter>
export type FilterQuery = z.output<typeof FilterQuery>
export type SearchRequest = z.input<typeof SearchRequest>
export type SearchItem = z.output<typeof SearchItem>
export type StartedGeneration = z.output<typeof StartedGeneration>
export type SearchResponse = z.output<typeof SearchResponse>
export type Image = z.output<typeof Image>
export type ImageDetail = z.output<typeof ImageDetail>
export type ClassifyRequest = z.input<typeof ClassifyRequest>
export type ClassifyResponse = z.output<typeof ClassifyResponse>
export type EmbedRequest = z.input<typeof EmbedRequest>
export type EmbedResponse = z.output<typeof EmbedResponse>
export type Root = z.output<typeof Root>
export type RootsResponse = z.output<typeof RootsResponse>
export type StatusResponse = z.output<typeof StatusResponse>
export type AddRootRequest = z.input<typeof AddRootRequest>
export type IndexRequest = z.input<typeof IndexRequest>
export type Job = z.output<typeof Job>
export type JobState = z.output<typeof JobState>
export type JobResponse = z.output<typeof JobResponse>
export type JobsResponse = z.output<typeof JobsResponse>
export type FailuresResponse = z.output<typeof FailuresResponse>
export type FacetsResponse = z.output<typeof FacetsResponse>
export type DuplicateKind = z.output<typeof DuplicateKind>
export type DuplicatesResponse = z.output<typeof DuplicatesResponse>
export type Scope = z.output<typeof Scope>
export type SessionResponse = z.output<typeof SessionResponse>
export type ErrorResponse = z.output<typeof ErrorResponse>
export type KnnRequest = z.input<typeof KnnRequest>
