// The log subresource of pods. A test writes what a container said; the last lines come back, cut at a number of bytes from
// their beginning, as kubelets do it.

import type { Call } from './call.ts'
import { Refusal } from './refusal.ts'

export interface ContainerOf {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  /** The run before the last restart. */
  readonly previous?: boolean
}

export class ContainerLogs {
  readonly #texts = new Map<string, string>()

  set({ namespace, pod, container, previous = false }: ContainerOf, text: string): void {
    this.#texts.set(keyOf(namespace, pod, container, previous), text)
  }

  /** Throws Refusal for a container that did not run. */
  answer({ namespace = '', name, query }: Call): string {
    const container = query.get('container') ?? ''
    const previous = query.get('previous') === 'true'
    const text = this.#texts.get(keyOf(namespace, name, container, previous))
    if (text === undefined) {
      throw new Refusal(
        400,
        `container "${container}" in pod "${name}" is waiting to start: ContainerCreating`,
        'BadRequest',
      )
    }
    const lines = text.split(/(?<=\n)/).slice(-Number(query.get('tailLines') ?? 1e9))
    return Buffer.from(lines.join(''))
      .subarray(0, Number(query.get('limitBytes') ?? 1e9))
      .toString()
  }
}

const keyOf = (...parts: readonly (string | boolean)[]): string => JSON.stringify(parts)
