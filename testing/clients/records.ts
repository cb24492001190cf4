// The records that client suites send, and their comparison: every field of every record, in order per partition.

import { createHash } from 'node:crypto'
import type { PartitionOffset, ReadRecordJson, RecordJson } from './protocol.ts'

/** What a client library cannot say in records, so that its suite leaves it out. */
export interface RecordLimits {
  /** Header values may be null. */
  nullHeaders?: boolean
  /** Zero-length keys and values are told from null ones. */
  emptyBytes?: boolean
  /** Key and value may both be null. */
  nothingAtAll?: boolean
  /** One header name may occur twice. */
  repeatedHeaders?: boolean
}

export const EVERYTHING: Required<RecordLimits> = {
  nullHeaders: true,
  emptyBytes: true,
  nothingAtAll: true,
  repeatedHeaders: true,
}

// Recent, or the default retention of seven days deletes the records under the test.
const FIRST_TIMESTAMP = Date.now() - 3_600_000

/**
 * `count` records over the partitions in turn, one second apart, among them every corner of the record format that
 * `limits` admits: null and empty keys and values, headers without value, repeated and non-ASCII header names.
 */
export function sampleRecords(count: number, partitions: number, limits = EVERYTHING, seed = 'sample'): RecordJson[] {
  const shapes = recordShapes(limits)
  return Array.from({ length: count }, (_, i) => {
    const shape = shapes[Math.floor(i / partitions) % shapes.length]
    return {
      partition: i % partitions,
      key: base64(`${seed}-key-${i}`),
      value: base64(`${seed}-value-${i}-${'compressible '.repeat(i % 7)}`),
      headers: [],
      timestamp: FIRST_TIMESTAMP + i * 1000,
      ...shape?.(i),
    }
  })
}

/** One record of `size` value bytes that no codec makes smaller. */
export function largeRecord(partition: number, size: number, seed: string): RecordJson {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  )
  const value = Buffer.concat(blocks).subarray(0, size).toString('base64')
  return { partition, key: base64(seed), value, headers: [], timestamp: FIRST_TIMESTAMP }
}

type Shape = (i: number) => Partial<RecordJson>

function recordShapes(limits: RecordLimits): Shape[] {
  const shapes: Shape[] = [
    () => ({}),
    () => ({ key: null }),
    () => ({ value: null }),
    i => ({
      headers: [
        ['trace', base64(`id-${i}`)],
        ['größe', Buffer.from([0, 255, i % 256]).toString('base64')],
      ],
    }),
  ]
  if (limits.nothingAtAll) shapes.push(() => ({ key: null, value: null }))
  if (limits.emptyBytes) shapes.push(() => ({ key: '', value: '', headers: [['empty', '']] }))
  if (limits.nullHeaders) shapes.push(() => ({ headers: [['nothing', null]] }))
  if (limits.repeatedHeaders) {
    shapes.push(() => ({
      headers: [
        ['again', base64('1')],
        ['again', base64('2')],
        ['other', base64('3')],
      ],
    }))
  }
  return shapes
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** Records as comparable text, by partition in order; long values by length and hash, so that a failure is readable. */
export function comparable(records: RecordJson[]): Record<string, string[]> {
  const byPartition: Record<string, string[]> = {}
  for (const { partition, key, value, headers, timestamp } of records) {
    const line = `${timestamp} ${shown(key)} = ${shown(value)} ${headers.map(([name, v]) => `${name}:${shown(v)}`)}`
    byPartition[partition] ??= []
    byPartition[partition].push(line)
  }
  return byPartition
}

function shown(bytes: string | null): string {
  if (bytes === null) return 'null'
  if (bytes.length < 400) return `'${Buffer.from(bytes, 'base64').toString('latin1')}'`
  return `${Buffer.from(bytes, 'base64').length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}

/** Offset 0 of the first `partitions` partitions. */
export function fromStart(partitions: number): PartitionOffset[] {
  return Array.from({ length: partitions }, (_, partition) => ({ partition, offset: 0 }))
}

export function inOffsetOrder(records: ReadRecordJson[]): ReadRecordJson[] {
  return records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** `partition/offset` of each record. */
export function places(records: PartitionOffset[]): string[] {
  return records.map(({ partition, offset }) => `${partition}/${offset}`)
}
