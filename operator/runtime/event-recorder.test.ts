import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createLogger } from '../../broker/observe/logger.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { EventRecorder } from './event-recorder.ts'
import { RESOURCES } from './resource.ts'

const TABLE = {
  Scaled: { type: 'Normal', action: 'Scale', meaning: 'The number of brokers changed.' },
  Refused: { type: 'Warning', action: 'Apply', meaning: 'The API server refused an object.' },
} as const

const object = {
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: { name: 'demo', namespace: 'a', uid: 'u' },
}

let api: KubeApi
let clock: VirtualClock
let recorder: EventRecorder<typeof TABLE>
let stop: AbortController
let running: Promise<void>

beforeEach(async () => {
  api = await KubeApi.start()
  clock = new VirtualClock()
  const [client, log] = [api.client(), createLogger('silent')]
  recorder = new EventRecorder({
    client,
    clock,
    log,
    table: TABLE,
    controller: 'kafscale.io/operator',
    instance: 'pod-0',
  })
  stop = new AbortController()
  running = recorder.run(stop.signal)
})

afterEach(async () => {
  stop.abort()
  await running
  await api.stop()
})

const events = () => api.list(RESOURCES.events)

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 3000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 2))) {
    if (holds()) return
  }
  throw new Error('did not come true')
}

describe('an event', () => {
  test('says what happened to what, by whom', async () => {
    recorder.record(object, 'Scaled', 'from 2 to 3')
    await until(() => events().length === 1)
    expect(events()[0]).toMatchObject({
      metadata: { namespace: 'a', name: expect.stringMatching(/^demo\.[0-9a-f]{16}$/) },
      type: 'Normal',
      reason: 'Scaled',
      action: 'Scale',
      note: 'from 2 to 3',
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'kafscale.io/operator',
      reportingInstance: 'pod-0',
      regarding: { kind: 'KafScaleCluster', name: 'demo', namespace: 'a', uid: 'u' },
    })
  })

  test('that happens again is counted, and written at most once a minute', async () => {
    recorder.record(object, 'Refused', 'no')
    await until(() => events().length === 1)
    for (let time = 0; time < 50; time++) recorder.record(object, 'Refused', 'no')
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(api.writes).toHaveLength(1)
    await clock.advance(61_000)
    await until(() => JSON.stringify(events()).includes('"count":51'))
    expect(events()).toHaveLength(1)
    expect(api.writes).toHaveLength(2)
  })

  test('that happens again after ten minutes is another one', async () => {
    recorder.record(object, 'Scaled', 'from 2 to 3')
    await until(() => events().length === 1)
    await clock.advance(600_000)
    recorder.record(object, 'Scaled', 'from 2 to 3')
    await until(() => events().length === 2)
  })

  test('with a long note is cut to a kilobyte, at a character', async () => {
    recorder.record(object, 'Refused', '€'.repeat(1000))
    await until(() => events().length === 1)
    const note = String(events()[0]?.note)
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024)
    expect(note).toMatch(/^€+…$/)
  })

  test('that cannot be written is dropped, and harms nothing', async () => {
    api.faults.add({ when: () => true, fault: { kind: 'refuse', code: 403 } })
    recorder.record(object, 'Refused', 'first')
    recorder.record(object, 'Refused', 'second')
    await until(() => events().length === 1)
    expect(events()[0]?.note).toBe('second')
  })

  test('that is recorded just before the end is still written', async () => {
    stop.abort()
    recorder.record(object, 'Scaled', 'last words')
    await running
    expect(events()).toHaveLength(1)
  })
})
