// Dates as people write them, in part or in full, as the wall time at which they begin.

/** What `firstMoment` accepts, for messages. */
export const PARTIAL_DATE = 'a date such as 2020, 2020-05, 2020-05-31 or 2020-05-31T18:30'

const PATTERN = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?)?)?$/

/**
 * The first moment of a year, a month, a day, a minute or a second, `YYYY-MM-DDTHH:mm:ss`; null for
 * what is no date of the calendar.
 */
export function firstMoment(text: string): string | null {
  const match = PATTERN.exec(text.trim())
  if (!match || match[1] === '0000') return null
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00'] = match
  const moment = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const date = new Date(`${moment}Z`)
  // 30 February would become 1 March, and 24:00 the next day.
  const isReal = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(moment)
  return isReal ? moment : null
}
