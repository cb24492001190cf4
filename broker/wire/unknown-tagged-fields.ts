/** Tagged fields of a newer peer (KIP-482): not understood, kept, and written back as they came. */

export interface UnknownTaggedField {
  readonly tag: number
  readonly data: Buffer
}
