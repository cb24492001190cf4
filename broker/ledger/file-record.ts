/**
 * The record format of ledger files, and the verdict on what a crash may have left at their end.
 *
 * Record, big-endian:
 *   magic u32 | length u32 of what follows the checksum | CRC-32C u32 of what follows | kind u8 | position u64 |
 *   durable u64 | epoch u64 | number u64 | payload
 * `durable` is the position known to be on disk when the record was written. A later write only begins after the sync of
 * the one before it, so a damaged record is a torn tail (never acknowledged, may be cut off) unless a whole record after
 * it says that it was durable: then the disk has lost acknowledged entries and nothing may be cut.
 */
import { crc32c } from '../wire/crc32c.ts'
import type { LedgerEvent, Position } from './ledger.ts'

const MAGIC = 0x4b4c5231
const PREFIX = 12
const FIXED_BODY = 33
const KINDS = ['entry', 'session-opened', 'session-closed'] as const

export interface FileRecord {
  readonly event: LedgerEvent
  readonly durable: Position
}

export function encodeRecord(event: LedgerEvent, durable: Position): Buffer {
  const payload = event.kind === 'entry' ? event.payload : event.kind === 'session-opened' ? event.info : NOTHING
  const record = Buffer.allocUnsafe(PREFIX + FIXED_BODY + payload.length)
  record.writeUInt32BE(MAGIC, 0)
  record.writeUInt32BE(FIXED_BODY + payload.length, 4)
  record.writeUInt8(KINDS.indexOf(event.kind), PREFIX)
  writeUint64(record, event.position, PREFIX + 1)
  writeUint64(record, durable, PREFIX + 9)
  writeUint64(record, event.epoch, PREFIX + 17)
  writeUint64(record, event.kind === 'entry' ? event.number : 0, PREFIX + 25)
  payload.copy(record, PREFIX + FIXED_BODY)
  record.writeUInt32BE(crc32c(record.subarray(PREFIX)), 8)
  return record
}

export interface Scan {
  readonly records: readonly FileRecord[]
  /** Bytes of the whole records from the start. */
  readonly good: number
  /** Set when bytes follow that are no whole record. */
  readonly damage: 'none' | 'torn-tail' | 'corrupt'
}

/**
 * Reads the records of a file whose first position is `first`. `durable` is what is known to be durable from elsewhere:
 * from a checkpoint or a later file.
 */
export function scanRecords(file: Buffer, first: Position, durable: Position = 0): Scan {
  const records: FileRecord[] = []
  let at = 0
  for (let record = decodeRecord(file, at); record !== undefined; record = decodeRecord(file, at)) {
    records.push(record)
    at += recordLength(file, at)
  }
  if (at === file.length) return { records, good: at, damage: 'none' }
  // A file without a whole record ends where the one before it does.
  const last = records.at(-1)?.event.position ?? first - 1
  const known = Math.max(durable, highestDurable(file, at))
  return { records, good: at, damage: known > last ? 'corrupt' : 'torn-tail' }
}

function decodeRecord(file: Buffer, at: number): FileRecord | undefined {
  if (file.length - at < PREFIX + FIXED_BODY || file.readUInt32BE(at) !== MAGIC) return undefined
  const end = at + recordLength(file, at)
  const kind = KINDS[file.readUInt8(at + PREFIX)]
  if (end > file.length || end < at + PREFIX + FIXED_BODY || kind === undefined) return undefined
  if (crc32c(file.subarray(at + PREFIX, end)) !== file.readUInt32BE(at + 8)) return undefined
  const body = at + PREFIX
  const position = readUint64(file, body + 1)
  const epoch = readUint64(file, body + 17)
  const payload = file.subarray(body + FIXED_BODY, end)
  const durable = readUint64(file, body + 9)
  if (kind === 'entry') {
    return { durable, event: { kind, position, epoch, number: readUint64(file, body + 25), payload } }
  }
  if (kind === 'session-opened') return { durable, event: { kind, position, epoch, info: payload } }
  return { durable, event: { kind, position, epoch } }
}

function recordLength(file: Buffer, at: number): number {
  return PREFIX + file.readUInt32BE(at + 4)
}

/** The highest `durable` that any whole record somewhere after `from` states. */
function highestDurable(file: Buffer, from: number): Position {
  const magic = Buffer.alloc(4)
  magic.writeUInt32BE(MAGIC)
  let highest = 0
  for (let at = file.indexOf(magic, from); at !== -1; at = file.indexOf(magic, at + 1)) {
    highest = Math.max(highest, decodeRecord(file, at)?.durable ?? 0)
  }
  return highest
}

const NOTHING = Buffer.alloc(0)
const TWO_32 = 0x1_0000_0000

function writeUint64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / TWO_32), at)
  buffer.writeUInt32BE(value % TWO_32, at + 4)
}

function readUint64(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4)
}
