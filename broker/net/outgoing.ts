// Joins small buffers and leaves large ones alone, so that a response of many pieces costs few writes and no large copy.

/** Copying this much is cheaper than one more entry in a vectored write. */
const smallest = 4096

/** The same bytes in the same order in fewer buffers; large ones are passed through as they are. */
export const joinSmall = (buffers: readonly Buffer[]): readonly Buffer[] => {
  if (buffers.length === 1) return buffers
  const joined: Buffer[] = []
  for (let from = 0; from < buffers.length; ) {
    let to = from
    let bytes = 0
    for (; to < buffers.length && (buffers[to]?.length ?? 0) < smallest; to++) bytes += buffers[to]?.length ?? 0
    if (to - from === 1) joined.push(...buffers.slice(from, to))
    else if (bytes > 0) joined.push(join(buffers, from, to, bytes))
    const large = buffers[to]
    if (large !== undefined) joined.push(large)
    from = to + 1
  }
  return joined
}

const join = (buffers: readonly Buffer[], from: number, to: number, bytes: number): Buffer => {
  const all = Buffer.allocUnsafe(bytes)
  for (let at = 0, i = from; i < to; i++) at += buffers[i]?.copy(all, at) ?? 0
  return all
}

/** The int32 length prefix of a response. */
export const lengthPrefix = (buffers: readonly Buffer[]): Buffer => {
  let length = 0
  for (const buffer of buffers) length += buffer.length
  const prefix = Buffer.allocUnsafe(4)
  prefix.writeInt32BE(length)
  return prefix
}
