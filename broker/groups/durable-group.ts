/**
 * One group's way to the ledger. Its changes go one after the other, each based on the version that the one before made,
 * so a coordinator that was replaced without noticing changes nothing: its command is refused, and it is told
 * NOT_COORDINATOR.
 */
import type { Replica } from '../ledger/replica.ts'
import type { PutGroup } from '../state/commands.gen.ts'
import type { Command } from '../state/commands.ts'
import type { Group } from '../state/groups.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'

export type GroupImage = Omit<PutGroup, 'groupId' | 'basedOn' | 'unknownTaggedFields'>

export class DurableGroup {
  readonly #replica: Replica
  readonly #groupId: string
  /** Version that this coordinator's knowledge of the group rests on. */
  #version: number
  #isLost = false
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(replica: Replica, groupId: string) {
    this.#replica = replica
    this.#groupId = groupId
    this.#version = this.current?.version ?? 0
  }

  get current(): Group | undefined {
    return this.#replica.state.groups.byId.get(this.#groupId)
  }

  get isBusy(): boolean {
    return this.#waiting > 0
  }

  /** A change was refused, because another coordinator has changed the group. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Somebody else has changed the group; what this coordinator has in memory is not worth anything any more. */
  get isOvertaken(): boolean {
    return !this.isBusy && (this.current?.version ?? 0) !== this.#version
  }

  /** Resolves when the changes that were asked for so far are decided. */
  async settled(): Promise<void> {
    await this.#last
  }

  /**
   * Makes durable what `image` gives when its turn has come; null means that it is not wanted any more. Resolves with the
   * error code, never rejects: NOT_COORDINATOR when another coordinator was faster, COORDINATOR_NOT_AVAILABLE when the
   * ledger did not take it.
   */
  put(image: () => GroupImage | null): Promise<number> {
    return this.#inTurn(async () => {
      const wanted = image()
      if (wanted === null) return errorCode.NONE
      const body = { groupId: this.#groupId, basedOn: this.#version, ...wanted }
      const code = await this.#submit({ type: 'putGroup', body })
      const { current } = this
      // Between the command and this line another coordinator may have built upon it.
      const stands = current !== undefined && isLike(current, wanted)
      this.#isLost = code === errorCode.NOT_COORDINATOR || (code === errorCode.NONE && !stands)
      if (code === errorCode.NONE && stands) this.#version = current.version
      return this.#isLost ? errorCode.NOT_COORDINATOR : code
    })
  }

  /** Resolves with the error code: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE, or none. */
  delete(): Promise<number> {
    return this.#inTurn(async () => {
      const code = await this.#submit({
        type: 'deleteGroup',
        body: { groupId: this.#groupId, basedOn: this.#version },
      })
      if (code === errorCode.NONE) this.#version = 0
      return code
    })
  }

  /** What comes first is submitted before this returns, so that it keeps its place among a connection's commands. */
  async #inTurn(step: () => Promise<number>): Promise<number> {
    const running = this.#waiting++ === 0 ? step() : this.#last.then(step)
    this.#last = running
    try {
      return await running
    } finally {
      this.#waiting--
    }
  }

  async #submit(command: Command): Promise<number> {
    try {
      return (await this.#replica.submit(command)).errorCode
    } catch (cause) {
      return coordinatorError(cause)
    }
  }
}

/** What a client that asks for its group is told when the ledger fails: something that it tries again. */
export function coordinatorError(cause: unknown): number {
  return cause instanceof KafkaError ? errorCode.COORDINATOR_NOT_AVAILABLE : errorCode.UNKNOWN_SERVER_ERROR
}

function isLike(group: Group, image: GroupImage): boolean {
  return (
    group.generation === image.generation &&
    group.members.size === image.members.length &&
    image.members.every(({ memberId }) => group.members.has(memberId))
  )
}
