/**
 * The table of objects that the ledger has named: which key each has, how many extents still need it.
 *
 * An object is `live` while an extent names it and `dead` from the position at which the last one was dropped; it leaves
 * the table when a ForgetObjects command says that it was deleted from the store. Handles are given in ledger order and
 * never reused.
 */

import type { Extent } from './extents.ts'

export type ObjectKind = 'wal' | 'segment'

export interface StoredObject {
  readonly handle: number
  readonly kind: ObjectKind
  /** Session epoch of the writer: the first half of the key. */
  readonly epoch: number
  /** The writer's object number: the second half of the key. */
  readonly number: number
  /** Bytes. */
  readonly size: number
  /** Extents that name it, and their bytes together. */
  extents: number
  liveBytes: number
}

export class ObjectTable {
  readonly live = new Map<number, StoredObject>()
  /** Dead objects and the ledger position at which each died, in order of death. */
  readonly dead = new Map<number, { readonly object: StoredObject; readonly position: number }>()
  nextHandle = 1
  /** Bytes of all extents. */
  storedBytes = 0

  add(kind: ObjectKind, epoch: number, number: number, size: number): StoredObject {
    const object: StoredObject = { handle: this.nextHandle++, kind, epoch, number, size, extents: 0, liveBytes: 0 }
    this.live.set(object.handle, object)
    return object
  }

  get(handle: number): StoredObject {
    const object = this.live.get(handle)
    if (object === undefined) throw new Error(`object ${handle} is named by an extent but not in the table`)
    return object
  }

  /** An extent of `bytes` bytes names the object from now on. */
  retain(object: StoredObject, bytes: number): void {
    object.extents++
    object.liveBytes += bytes
    this.storedBytes += bytes
  }

  /** An extent that named its object is dropped at ledger position `position`. */
  release(extent: Pick<Extent, 'object' | 'length'>, position: number): void {
    const object = this.get(extent.object)
    object.extents--
    object.liveBytes -= extent.length
    this.storedBytes -= extent.length
    this.buryIfUnused(object, position)
  }

  /** Called once all extents of an object's first command are known, and whenever one of them is dropped. */
  buryIfUnused(object: StoredObject, position: number): void {
    if (object.extents > 0) return
    this.live.delete(object.handle)
    this.dead.set(object.handle, { object, position })
  }

  forget(handles: readonly number[]): void {
    for (const handle of handles) this.dead.delete(handle)
  }
}
