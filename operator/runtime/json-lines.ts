// A stream of bytes cut into lines, wherever the network cut it: in a line, in a character. Promises: each whole line once
// and in order; what is left without its end when the stream breaks off is dropped, because it is no object.

const NEWLINE = 10

/** Rejects with RangeError when a line has more than `maxBytes`. Empty lines are skipped. */
export async function* lines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let begun: Uint8Array[] = []
  let begunBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = decoder.decode(Buffer.concat([...begun, chunk.subarray(start, end)]))
      begun = []
      begunBytes = 0
      start = end + 1
      if (line.trim() !== '') yield line
    }
    const rest = chunk.subarray(start)
    begunBytes += rest.length
    if (begunBytes > maxBytes) throw new RangeError(`a line has more than ${maxBytes} bytes`)
    if (rest.length > 0) begun.push(rest)
  }
}
