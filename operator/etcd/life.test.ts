import { describe, expect, test } from '@jest/globals'
import {
  type EtcdLife,
  firstLife,
  isRestoring,
  type LifeObservation,
  lifeSettings,
  nextLife,
  readLife,
} from './life.ts'

const WELL: LifeObservation = { members: 3, ready: 3, empty: 0, brokerPods: 2, restoreFrom: undefined }
const running: EtcdLife = { ...firstLife(undefined), state: 'running' }
const lived = (life: EtcdLife, ...seen: Partial<LifeObservation>[]): EtcdLife =>
  seen.reduce<EtcdLife>((now, more) => nextLife(now, { ...WELL, ...more }), life)

describe('the lives of a managed etcd', () => {
  test('begin when a majority is ready', () => {
    expect(lived(firstLife(undefined), { ready: 1 }).state).toBe('forming')
    expect(lived(firstLife(undefined), { ready: 2 }).state).toBe('running')
    expect(isRestoring(firstLife(undefined))).toBe(false)
  })

  test('go on while members are away, for they may come back', () => {
    expect(lived(running, { ready: 0 })).toEqual(running)
    expect(lived(running, { ready: 2, empty: 1 })).toEqual(running)
    expect(lived(running, { ready: 0, empty: 1 })).toEqual(running)
  })

  test('end when a majority has lost its data, and the next begins from the newest snapshot when no broker is left', () => {
    const ending = lived(running, { ready: 0, empty: 2 })
    expect(ending).toMatchObject({ number: 1, state: 'ending', because: 'DataLost' })
    expect(isRestoring(ending)).toBe(true)
    expect(lived(ending, { ready: 0, empty: 3, brokerPods: 1 })).toEqual(ending)
    const next = lived(ending, { ready: 0, empty: 3, brokerPods: 0 })
    expect(next).toMatchObject({ number: 2, state: 'forming', restoreFrom: '', because: 'DataLost' })
    expect(isRestoring(next)).toBe(true)
    expect(lived(next, { ready: 0, empty: 3 })).toEqual(next)
    expect(isRestoring(lived(next, { ready: 2 }))).toBe(false)
  })

  test('end when the spec names another snapshot, once', () => {
    const begun = { ...firstLife('a.db'), state: 'running' } as const
    expect(lived(begun, { restoreFrom: 'a.db' })).toEqual(begun)
    const restored = lived(
      begun,
      { restoreFrom: 'b.db' },
      { restoreFrom: 'b.db', brokerPods: 0 },
      { restoreFrom: 'b.db' },
    )
    expect(restored).toMatchObject({ number: 2, state: 'running', restoreFrom: 'b.db' })
    expect(lived(restored, { restoreFrom: 'b.db' }, { restoreFrom: undefined })).toEqual(restored)
  })

  test('take what the spec named at the beginning for no wish to go back to it after a loss', () => {
    const begun = { ...firstLife('a.db'), state: 'running' } as const
    const lost = { ready: 0, empty: 3, restoreFrom: 'a.db' }
    const next = lived(begun, lost, { ...lost, brokerPods: 0 }, { restoreFrom: 'a.db' }, { restoreFrom: 'a.db' })
    expect(next).toMatchObject({ number: 2, state: 'running', restoreFrom: '' })
  })

  test('are read as they were written', () => {
    for (const life of [firstLife(undefined), firstLife('a.db'), lived(running, { ready: 0, empty: 3 })]) {
      expect(readLife(lifeSettings(life, 'uid'))).toEqual({ because: undefined, ...life })
    }
    expect(readLife(undefined)).toBeUndefined()
    expect(readLife({ KAFSCALE_ETCD_LIFE: 'x' })).toBeUndefined()
  })

  test('have a token each, so that members of two lives cannot meet', () => {
    const tokens = [1, 2].map(number => lifeSettings({ ...running, number }, 'uid').KAFSCALE_ETCD_TOKEN)
    expect(new Set(tokens).size).toBe(2)
  })
})
