// Names of folders and buckets.
import { sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config.ts'
import { folderRange, isWithin } from '../../src/core/folder-range.ts'
import { parseBucketPath, placeIn, placeOf } from '../../src/core/place.ts'
import { excludeMatcher } from '../../src/sources/exclude.ts'
import { versionTime } from '../../src/sources/version-time.ts'

describe('the name of a bucket', () => {
  test.each([
    ['s3://photos', 'photos', ''],
    ['s3://photos/', 'photos', ''],
    ['s3://my.photos_1/a/b.png', 'my.photos_1', 'a/b.png'],
    ['s3://photos//a/../b c+%20\n.png', 'photos', '/a/../b c+%20\n.png'],
  ])('%s', (path, bucket, key) => {
    expect(parseBucketPath(path)).toEqual({ bucket, key })
  })

  test.each([
    's3://',
    's3:///key',
    's3://ab/',
    's3://AKIAEXAMPLE:hunter2@photos/a',
    's3://hunter2@photos',
    's3://photos?hunter2',
    's3://höhle',
  ])('%s is none, and is not repeated', (path) => {
    expect(() => parseBucketPath(path)).toThrow(/Expected s3:\/\/bucket\/prefix/)
    expect(() => placeOf(path)).not.toThrow(/hunter2/)
  })

  test('a prefix has one name', () => {
    expect(placeOf('s3://photos/a/b//')).toBe('s3://photos/a/b')
    expect(placeOf('s3://photos///')).toBe('s3://photos')
    expect(placeOf('s3://photos/a/../b')).toBe('s3://photos/a/../b')
    expect(placeOf('a', '/base')).toBe(`${sep}base${sep}a`)
    expect(placeIn('s3://photos', 'x.png')).toBe('s3://photos/x.png')
  })
})

test('what lies below a bucket or a prefix is a range with slashes', () => {
  expect(folderRange('s3://photos')).toEqual({ after: 's3://photos/', before: 's3://photos0' })
  expect(isWithin('s3://photos/a', 's3://photos')).toBe(true)
  expect(isWithin('s3://photos2/a', 's3://photos')).toBe(false)
  expect(isWithin('s3://photos/ab', 's3://photos/a')).toBe(false)
  expect(isWithin('s3://photos/a', 's3://photos/a')).toBe(true)
})

test('globs start from the prefix', () => {
  const isExcluded = excludeMatcher('s3://photos/trip', ['/private', '*.gif', 'x/'])
  const excluded = ['private/a.png', 'b/a.gif', 'a/x/b.png'].map((key) => `s3://photos/trip/${key}`)
  expect(excluded.every((path) => isExcluded(path))).toBe(true)
  const kept = ['b/private/a.png', 'x', 'a.png'].map((key) => `s3://photos/trip/${key}`)
  expect(kept.some((path) => isExcluded(path))).toBe(false)
  expect(isExcluded('s3://photos/private/a.png')).toBe(false)
})

test('the folders that may be indexed over HTTP are told apart, the colon of s3:// included', () => {
  const allowed = (LUCIDA_ALLOWED_ROOTS: string) =>
    resolveConfig({ env: { LUCIDA_ALLOWED_ROOTS }, cwd: '/' }).allowedRoots
  if (sep === '/') {
    expect(allowed('/a:s3://b-1/c/:/d')).toEqual(['/a', 's3://b-1/c', '/d'])
    expect(allowed('s3://b-1:s3://b-2')).toEqual(['s3://b-1', 's3://b-2'])
    expect(allowed('s3:/d')).toEqual(['/s3', '/d'])
    expect(allowed('/s3://d')).toEqual(['/s3', '/d'])
  }
  expect(() => allowed('s3://key:hunter2@bucket')).toThrow(/no credentials/)
  expect(resolveConfig({ env: { LUCIDA_STORAGE: 's3://b-1/own/' } }).storage).toBe('s3://b-1/own')
})

test('the time of a version is that of its second, and another for another tag', () => {
  const second = new Date('2026-01-02T03:04:05.678Z')
  const time = versionTime(second, '"abc"')
  expect(Math.floor(time / 1000)).toBe(Math.floor(second.getTime() / 1000))
  expect(versionTime(new Date('2026-01-02T03:04:05Z'), 'W/"abc"')).toBe(time)
  expect(versionTime(second, 'abc')).toBe(time)
  expect(versionTime(second, '"abd"')).not.toBe(time)
  expect(versionTime(undefined, undefined)).toBe(versionTime(undefined, ''))
})
