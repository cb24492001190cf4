// The XML documents of the S3 API that the store reads and writes: ListObjectsV2 and DeleteObjects.

import type { StoredObject } from '../object-store.ts'
import type { Answer } from './exchange.ts'
import { failureOf, S3Failure } from './failure.ts'
import { childrenOf, childText, escapeXml, parseXml, type XmlElement, XmlProblem } from './xml.ts'

export interface Page {
  readonly objects: readonly StoredObject[]
  /** Continuation token; undefined on the last page. */
  readonly next: string | undefined
}

/** Objects of a page of ListObjectsV2, which was asked for with `encoding-type=url`. Throws S3Failure. */
export const readPage = (answer: Answer): Page => {
  const result = document(answer, 'ListBucketResult')
  const encoded = childText(result, 'EncodingType') === 'url'
  const objects = childrenOf(result, 'Contents').map(entry => storedObject(answer, entry, encoded))
  const next = childText(result, 'NextContinuationToken') || undefined
  const truncated = childText(result, 'IsTruncated')
  if (truncated !== 'true' && truncated !== 'false') throw badAnswer(answer, 'a list that does not say if it is whole')
  if (truncated === 'true' && next === undefined) throw badAnswer(answer, 'a list that cannot be continued')
  return { objects, next: truncated === 'true' ? next : undefined }
}

const storedObject = (answer: Answer, entry: XmlElement, encoded: boolean): StoredObject => {
  const name = childText(entry, 'Key')
  const size = childText(entry, 'Size') ?? ''
  if (name === undefined || !/^\d{1,15}$/.test(size)) throw badAnswer(answer, 'a list entry without key or size')
  return { key: encoded ? urlDecoded(answer, name) : name, size: Number(size) }
}

/** As in a form: a plus sign is a blank. */
const urlDecoded = (answer: Answer, text: string): string => {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw badAnswer(answer, 'a key that is not URL encoded')
  }
}

/** Asks for an answer that names only what failed. */
export const deleteDocument = (keys: readonly string[]): string =>
  `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${keys
    .map(key => `<Object><Key>${escapeXml(key)}</Key></Object>`)
    .join('')}</Delete>`

export interface DeleteFailure {
  readonly key: string
  readonly failure: S3Failure
}

/** The keys that DeleteObjects did not delete. One that was not there counts as deleted. Throws S3Failure. */
export const deleteFailures = (answer: Answer): DeleteFailure[] =>
  childrenOf(document(answer, 'DeleteResult'), 'Error')
    .map(error => ({ key: childText(error, 'Key') ?? '', failure: failureOf({ ...answer, body: asDocument(error) }) }))
    .filter(({ failure }) => failure.code !== 'NoSuchKey')

const asDocument = (error: XmlElement): Buffer => {
  const parts = ['Code', 'Message'].map(name => `<${name}>${escapeXml(childText(error, name) ?? '')}</${name}>`)
  return Buffer.from(`<Error>${parts.join('')}</Error>`)
}

/** S3 may answer with status 200 and find out later that it cannot: then the document is an error. */
const document = (answer: Answer, name: string): XmlElement => {
  try {
    const root = parseXml(answer.body.toString('utf8'))
    if (root.name === name) return root
    if (root.name === 'Error') throw failureOf(answer)
    throw badAnswer(answer, `<${root.name}> where <${name}> was expected`)
  } catch (error) {
    throw error instanceof XmlProblem ? badAnswer(answer, error.message) : error
  }
}

const badAnswer = ({ status }: Answer, what: string): S3Failure => new S3Failure(status, '', what, { retry: 'no' })
