// What a drawn picture says of itself: that a trained algorithm made it, in IPTC's terms, which other
// programs read too, and a record of everything that it takes to draw it again. Both travel in its
// XMP packet, which PNG, JPEG and WebP carry alike. What differs from run to run (times, neighbours)
// is kept in the database instead, so that the same order gives the same file.
import { z } from 'zod'

const hash = z.string().regex(/^[0-9a-f]{64}$/)

const schema = z.object({
  schema: z.literal('lucida.record/1'),
  /** Version of the program. */
  program: z.string(),
  pipeline: z.object({ name: z.string(), files: z.record(z.string(), hash) }),
  /** The model whose vectors it was drawn from and judged by. */
  judge: z.object({ model: z.string(), recipe: z.string() }),
  /** What was asked for; pictures by their SHA-256. */
  idea: z.json(),
  avoid: z.string().optional(),
  seed: z.int(),
  steps: z.int(),
  guidance: z.number(),
  variation: z.number(),
  start: z.object({ picture: hash, strength: z.number(), mask: hash.optional() }).optional(),
  /** Pixels as drawn; the file may be larger. */
  native: z.object({ width: z.int(), height: z.int() }),
  /** Set where the file has another size than was drawn. */
  resampled: z.object({ width: z.int(), height: z.int() }).optional(),
  /** Cosine of its vector and what was asked for. */
  score: z.number(),
  relevance: z.number().nullable(),
})

/** The reproducible facts about a drawn picture. */
export type ProvenanceRecord = z.infer<typeof schema>

const SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia'
const RECORD = /<lucida:Record>([^<]*)<\/lucida:Record>/

/** The XMP packet (Adobe XMP Specification, part 1) of a drawn picture. */
export function toXmp(record: ProvenanceRecord): string {
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:lucida="https://lucida.invalid/ns/1.0/">
<xmp:CreatorTool>Lucida ${escapeXml(record.program)}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>${SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
<lucida:Record>${escapeXml(JSON.stringify(record))}</lucida:Record>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`
}

/** The record in an XMP packet; `null` where there is none, or none that this version understands. */
export function fromXmp(xmp: Uint8Array | undefined): ProvenanceRecord | null {
  const text = xmp && RECORD.exec(Buffer.from(xmp).toString('utf8'))?.[1]
  if (!text) return null
  try {
    return schema.parse(JSON.parse(unescapeXml(text)))
  } catch {
    return null
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' } as const

/** XML 1.0 has no way to write control characters; JSON has written those of a text as \\u00xx. */
function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char as keyof typeof ENTITIES])
}

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot);/g, (entity) => {
    return Object.entries(ENTITIES).find(([, written]) => written === entity)![0]
  })
}
