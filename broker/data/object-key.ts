/**
 * Keys of objects: `<prefix>/<digit>/<kind>/<epoch>/<number>`.
 *
 * Epoch and number make a key that is never used twice. The digit is a hash of both: it spreads requests over sixteen
 * key prefixes, because S3 scales its request rate by prefix. Snapshots are few and stand beside: `<prefix>/snapshot/...`.
 */
import type { StoredObject } from '../state/objects.ts'

const DIGITS = '0123456789abcdef'
const KIND_FOLDERS = { wal: 'wal', segment: 'seg' } as const

export function objectKey(prefix: string, object: Pick<StoredObject, 'kind' | 'epoch' | 'number'>): string {
  const { kind, epoch, number } = object
  return `${sessionFolder(prefix, heatDigit(epoch, number), kind, epoch)}${String(number).padStart(12, '0')}`
}

export function snapshotKey(prefix: string, position: number, epoch: number): string {
  return `${snapshotFolder(prefix)}${String(position).padStart(16, '0')}-${epoch}`
}

export function snapshotFolder(prefix: string): string {
  return `${prefix}/snapshot/`
}

/** The folders that hold everything a session wrote but snapshots. */
export function sessionFolders(prefix: string, epoch: number): string[] {
  return [...DIGITS].flatMap(digit => [
    sessionFolder(prefix, digit, 'wal', epoch),
    sessionFolder(prefix, digit, 'segment', epoch),
  ])
}

/** What a key names, or undefined for a key that is not an object's. */
export function parseObjectKey(
  prefix: string,
  key: string,
): Pick<StoredObject, 'kind' | 'epoch' | 'number'> | undefined {
  if (!key.startsWith(`${prefix}/`)) return undefined
  const match = /^[0-9a-f]\/(wal|seg)\/(\d+)\/(\d+)$/.exec(key.slice(prefix.length + 1))
  if (match === null) return undefined
  return { kind: match[1] === 'wal' ? 'wal' : 'segment', epoch: Number(match[2]), number: Number(match[3]) }
}

function sessionFolder(prefix: string, digit: string, kind: StoredObject['kind'], epoch: number): string {
  return `${prefix}/${digit}/${KIND_FOLDERS[kind]}/${epoch}/`
}

function heatDigit(epoch: number, number: number): string {
  return DIGITS[(Math.imul(epoch + number * 31, 0x9e3779b1) >>> 28) & 15] ?? '0'
}
