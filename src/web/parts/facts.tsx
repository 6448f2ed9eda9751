// What is known of a picture: where it lies, when, with what and where it was taken.
import type { ImageDetail } from '../../api/contract.ts'
import {
  cameraText,
  dateText,
  folderName,
  mapUrl,
  placeText,
  recordFacts,
  sizeText,
} from '../describe.ts'

interface FactsProps {
  /** Null while it is on its way. */
  readonly detail: ImageDetail | null
  readonly relevance: number | null
  readonly fileUrl: string
}

export function Facts({ detail, relevance, fileUrl }: FactsProps) {
  if (!detail) return <dl class="facts" aria-busy="true" />
  const { latitude, longitude, takenAt, lens, width, height, sizeBytes, format, paths } = detail
  const camera = cameraText(detail)
  const facts: [string, unknown][] = [
    [paths.length > 1 ? 'Folders' : 'Folder', paths.map((path) => <div>{folderName(path)}</div>)],
  ]
  if (takenAt !== null) facts.push(['Taken', dateText(takenAt)])
  if (camera !== null) facts.push(['Camera', camera])
  if (lens !== null) facts.push(['Lens', lens])
  if (latitude !== null && longitude !== null) {
    facts.push([
      'Place',
      <a href={mapUrl(latitude, longitude)} target="_blank" rel="noopener noreferrer">
        {`${placeText(latitude, longitude)} on a map`}
      </a>,
    ])
  }
  if (detail.generated) facts.push(['Made by', 'A trained algorithm, as its file says'])
  if (detail.record) facts.push(...recordFacts(detail.record))
  facts.push(['Size', `${width} × ${height}, ${sizeText(sizeBytes)}, ${format.toUpperCase()}`])
  if (relevance !== null) facts.push(['Relevance', `${Math.round(relevance * 100)} %`])
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value as string}</dd>
        </div>
      ))}
      <div key="file">
        <dt>File</dt>
        <dd>
          <a href={fileUrl} target="_blank" rel="noopener">
            Open the original
          </a>
        </dd>
      </div>
    </dl>
  )
}
