/**
 * What a generated constructor takes: the fields in `Required`, and any of the others.
 * Constructors exist so that every message has all of its fields in one order, and engines see one shape.
 */
export type Init<Message, Required extends keyof Message> = Pick<Message, Required> & {
  readonly [Name in Exclude<keyof Message, Required | 'unknownTaggedFields'>]?: Message[Name] | undefined
}
