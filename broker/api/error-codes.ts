/** The error codes in an answer, at whatever depth, for counting. Answers are plain objects and lists; records are not looked at. */
export function errorCodesIn(answer: unknown, found: number[] = []): number[] {
  if (Array.isArray(answer)) {
    // A list of buffers, or of numbers, has none.
    if (typeof answer[0] === 'object' && !Buffer.isBuffer(answer[0])) for (const one of answer) errorCodesIn(one, found)
    return found
  }
  if (typeof answer !== 'object' || answer === null || Buffer.isBuffer(answer)) return found
  for (const [name, value] of Object.entries(answer)) {
    if (typeof value === 'number') {
      if (value !== 0 && name === 'errorCode') found.push(value)
    } else if (typeof value === 'object') errorCodesIn(value, found)
  }
  return found
}
