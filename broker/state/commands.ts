/**
 * Ledger entries as commands, and commands as bytes.
 *
 * An entry carries the feature level that is needed to apply it, its writer's clock, and commands in the order in which
 * they take effect. Type numbers are part of the ledger format and never reused (docs/formats.md).
 */
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import * as gen from './commands.gen.ts'

/** The highest level of commands that this software can apply. It writes none above the level of the cluster. */
export const FEATURE_LEVEL = 1

/** The level that every cluster has. */
export const FIRST_LEVEL = 1

export type Command =
  | { readonly type: 'initCluster'; readonly body: gen.InitCluster }
  | { readonly type: 'append'; readonly body: gen.Append }
  | { readonly type: 'createTopic'; readonly body: gen.CreateTopic }
  | { readonly type: 'deleteTopic'; readonly body: gen.DeleteTopic }
  | { readonly type: 'growTopic'; readonly body: gen.GrowTopic }
  | { readonly type: 'alterConfigs'; readonly body: gen.AlterConfigs }
  | { readonly type: 'trim'; readonly body: gen.Trim }
  | { readonly type: 'replace'; readonly body: gen.Replace }
  | { readonly type: 'allocateProducerIds'; readonly body: gen.AllocateProducerIds }
  | { readonly type: 'putGroup'; readonly body: gen.PutGroup }
  | { readonly type: 'deleteGroup'; readonly body: gen.DeleteGroup }
  | { readonly type: 'commitOffsets'; readonly body: gen.CommitOffsets }
  | { readonly type: 'deleteOffsets'; readonly body: gen.DeleteOffsets }
  | { readonly type: 'forgetObjects'; readonly body: gen.ForgetObjects }
  | { readonly type: 'raiseFeatureLevel'; readonly body: gen.RaiseFeatureLevel }
  | { readonly type: 'alterScram'; readonly body: gen.AlterScram }
  | { readonly type: 'alterAcls'; readonly body: gen.AlterAcls }
  | { readonly type: 'alterQuotas'; readonly body: gen.AlterQuotas }

export interface Entry {
  readonly featureLevel: number
  /** The writer's clock, ms since 1970. */
  readonly clock: number
  readonly commands: readonly Command[]
}

/** A command in its ledger form; encoded once, when it is submitted. */
export interface EncodedCommand {
  readonly type: number
  readonly body: Buffer
}

const VERSION = 0

export function encodeCommand(command: Command): EncodedCommand {
  const writer = new Writer()
  const type = writeBody(writer, command)
  return { type, body: Buffer.concat(writer.finish().buffers) }
}

export function encodeEntry(clock: number, commands: readonly EncodedCommand[], featureLevel = FIRST_LEVEL): Buffer {
  const writer = new Writer()
  const entry = {
    featureLevel,
    clock,
    commands: commands.map(({ type, body }) => ({ type, commandVersion: VERSION, body })),
  }
  gen.writeEntry(writer, entry, VERSION)
  return Buffer.concat(writer.finish().buffers)
}

/** Throws TooNew above the known level, WireError for bytes that are no entry. */
export function decodeEntry(payload: Buffer, knownLevel: number): Entry {
  const entry = gen.readEntry(new Reader(payload), VERSION)
  if (entry.featureLevel > knownLevel) throw new TooNew(entry.featureLevel, knownLevel)
  return {
    featureLevel: entry.featureLevel,
    clock: entry.clock,
    commands: entry.commands.map(({ type, commandVersion, body }) => readBody(type, commandVersion, new Reader(body))),
  }
}

/** The cluster is at a feature level that this software does not know. */
export class TooNew extends Error {
  override readonly name = 'TooNew'
  constructor(level: number, known: number) {
    super(`the cluster is at feature level ${level}, and this software knows ${known} at most: install a newer release`)
  }
}

function writeBody(w: Writer, { type, body }: Command): number {
  switch (type) {
    case 'initCluster':
      gen.writeInitCluster(w, body, VERSION)
      return 1
    case 'append':
      gen.writeAppend(w, body, VERSION)
      return 2
    case 'createTopic':
      gen.writeCreateTopic(w, body, VERSION)
      return 3
    case 'deleteTopic':
      gen.writeDeleteTopic(w, body, VERSION)
      return 4
    case 'growTopic':
      gen.writeGrowTopic(w, body, VERSION)
      return 5
    case 'alterConfigs':
      gen.writeAlterConfigs(w, body, VERSION)
      return 6
    case 'trim':
      gen.writeTrim(w, body, VERSION)
      return 7
    case 'replace':
      gen.writeReplace(w, body, VERSION)
      return 8
    case 'allocateProducerIds':
      gen.writeAllocateProducerIds(w, body, VERSION)
      return 9
    case 'putGroup':
      gen.writePutGroup(w, body, VERSION)
      return 10
    case 'deleteGroup':
      gen.writeDeleteGroup(w, body, VERSION)
      return 11
    case 'commitOffsets':
      gen.writeCommitOffsets(w, body, VERSION)
      return 12
    case 'deleteOffsets':
      gen.writeDeleteOffsets(w, body, VERSION)
      return 13
    case 'forgetObjects':
      gen.writeForgetObjects(w, body, VERSION)
      return 14
    case 'raiseFeatureLevel':
      gen.writeRaiseFeatureLevel(w, body, VERSION)
      return 15
    case 'alterScram':
      gen.writeAlterScram(w, body, VERSION)
      return 16
    case 'alterAcls':
      gen.writeAlterAcls(w, body, VERSION)
      return 17
    case 'alterQuotas':
      gen.writeAlterQuotas(w, body, VERSION)
      return 18
  }
}

function readBody(type: number, version: number, r: Reader): Command {
  if (version !== VERSION) throw new WireError(`command ${type} has version ${version}, which is not known`)
  switch (type) {
    case 1:
      return { type: 'initCluster', body: gen.readInitCluster(r, version) }
    case 2:
      return { type: 'append', body: gen.readAppend(r, version) }
    case 3:
      return { type: 'createTopic', body: gen.readCreateTopic(r, version) }
    case 4:
      return { type: 'deleteTopic', body: gen.readDeleteTopic(r, version) }
    case 5:
      return { type: 'growTopic', body: gen.readGrowTopic(r, version) }
    case 6:
      return { type: 'alterConfigs', body: gen.readAlterConfigs(r, version) }
    case 7:
      return { type: 'trim', body: gen.readTrim(r, version) }
    case 8:
      return { type: 'replace', body: gen.readReplace(r, version) }
    case 9:
      return { type: 'allocateProducerIds', body: gen.readAllocateProducerIds(r, version) }
    case 10:
      return { type: 'putGroup', body: gen.readPutGroup(r, version) }
    case 11:
      return { type: 'deleteGroup', body: gen.readDeleteGroup(r, version) }
    case 12:
      return { type: 'commitOffsets', body: gen.readCommitOffsets(r, version) }
    case 13:
      return { type: 'deleteOffsets', body: gen.readDeleteOffsets(r, version) }
    case 14:
      return { type: 'forgetObjects', body: gen.readForgetObjects(r, version) }
    case 15:
      return { type: 'raiseFeatureLevel', body: gen.readRaiseFeatureLevel(r, version) }
    case 16:
      return { type: 'alterScram', body: gen.readAlterScram(r, version) }
    case 17:
      return { type: 'alterAcls', body: gen.readAlterAcls(r, version) }
    case 18:
      return { type: 'alterQuotas', body: gen.readAlterQuotas(r, version) }
    default:
      throw new WireError(`command type ${type} is not known`)
  }
}
