// Cuts the byte stream of a connection into request frames: an int32 length, then that many bytes, which begin with the
// int16 api key. The reader tells length and api key before it allocates anything, so that the caller can refuse or wait.
// Every byte is copied at most once, however the stream is cut into chunks.

/** Shorter frames cannot hold the api key, the version and the correlation id that every request begins with. */
export const shortestFrame = 8

const prefix = 4
const head = 6
/** A frame is cut out of its chunk without a copy unless it would keep a chunk more than this many times its size alive. */
const sliceRatio = 4
const nothing = Buffer.alloc(0)

export class FrameReader {
  #chunk: Buffer = nothing
  #at = 0
  /** The first bytes of a frame that begins near the end of a chunk; empty while the frame begins inside the chunk. */
  readonly #head = Buffer.alloc(head)
  #headBytes = 0
  /** A frame that does not lie in one chunk, while it fills. */
  #frame: Buffer | null = null
  #filled = 0

  /** The next bytes. All frames of the chunk before must have been taken. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** Whether some bytes of the next frame, but not all, are here. Meant for after `take` has found nothing. */
  get midFrame(): boolean {
    return this.#frame !== null || this.#headBytes > 0
  }

  /** The length of the next frame as announced, whatever it is; null until its four bytes are here, or while one fills. */
  length(): number | null {
    if (this.#inChunk()) return this.#chunk.readInt32BE(this.#at)
    return this.#headBytes >= prefix ? this.#head.readInt32BE(0) : null
  }

  /** The api key of the next frame; null until it is here. */
  apiKey(): number | null {
    if (this.#inChunk()) return this.#chunk.readInt16BE(this.#at + prefix)
    return this.#headBytes === head ? this.#head.readInt16BE(prefix) : null
  }

  /** The next frame without its length prefix; null until all of it is here. Allocates: check length() first. */
  take(): Buffer | null {
    if (this.#frame === null) {
      const length = this.length()
      if (length === null || this.apiKey() === null) return null
      if (this.#headBytes === 0) {
        const begin = this.#at + prefix
        if (this.#chunk.length - begin >= length) return this.#cut(begin, begin + length)
        this.#at = begin
      }
      this.#frame = Buffer.allocUnsafeSlow(length)
      this.#filled = this.#headBytes === 0 ? 0 : this.#head.copy(this.#frame, 0, prefix)
      this.#headBytes = 0
    }
    const frame = this.#frame
    const copied = this.#chunk.copy(frame, this.#filled, this.#at)
    this.#filled += copied
    this.#skip(copied)
    if (this.#filled < frame.length) return null
    this.#frame = null
    return frame
  }

  /** Whether the next frame's head lies in the chunk as a whole; if not, gathers what there is of it. */
  #inChunk(): boolean {
    if (this.#frame !== null) return false
    if (this.#headBytes === 0 && this.#chunk.length - this.#at >= head) return true
    const copied = this.#chunk.copy(this.#head, this.#headBytes, this.#at)
    this.#headBytes += copied
    this.#skip(copied)
    return false
  }

  #cut(begin: number, end: number): Buffer {
    const part = this.#chunk.subarray(begin, end)
    const frame = part.length * sliceRatio >= this.#chunk.length ? part : Buffer.from(part)
    this.#at = begin
    this.#skip(end - begin)
    return frame
  }

  #skip(bytes: number): void {
    this.#at += bytes
    if (this.#at < this.#chunk.length) return
    this.#chunk = nothing
    this.#at = 0
  }
}
