import { describe, expect, test } from '@jest/globals'
import { type MaintenanceView, nextStep, type SeenMember } from './maintenance.ts'

const MiB = 1024 * 1024
const member = (index: number, more: Partial<NonNullable<SeenMember['status']>> = {}): SeenMember => ({
  name: `m${index}`,
  status: {
    id: `${index}`,
    leader: '1',
    version: '3.6.14',
    fileBytes: 20 * MiB,
    usedBytes: 10 * MiB,
    revision: 100 + index,
    ...more,
  },
})
const view = (more: Partial<MaintenanceView> = {}): MaintenanceView => ({
  members: [member(1), member(2), member(3)],
  alarms: [],
  quotaBytes: 1024 * MiB,
  ...more,
})
const large = { fileBytes: 500 * MiB, usedBytes: 50 * MiB }
const full = [{ member: '2', alarm: 'NOSPACE' } as const]

describe('the maintenance of etcd', () => {
  test('leaves alone what is well', () => {
    expect(nextStep(view(), false)).toEqual({ kind: 'none' })
  })

  test('gives space back to one member at a time, to the leader last', () => {
    const fragmented = view({ members: [member(1, large), member(2), member(3, large)] })
    expect(nextStep(fragmented, false)).toMatchObject({ kind: 'defragment', name: 'm3' })
    const leaderOnly = view({ members: [member(1, large), member(2), member(3)] })
    expect(nextStep(leaderOnly, false)).toMatchObject({ kind: 'defragment', name: 'm1' })
  })

  test('takes nobody away while another is away, or while nobody leads', () => {
    expect(
      nextStep(view({ members: [member(1), member(2, large), { name: 'm3', status: undefined }] }), false),
    ).toEqual({ kind: 'none' })
    expect(nextStep(view({ members: [member(1), member(2, { ...large, leader: '0' }), member(3)] }), false)).toEqual({
      kind: 'none',
    })
  })

  test('frees a full etcd: history, then space, then the alarm', () => {
    expect(nextStep(view({ alarms: full }), false)).toEqual({ kind: 'compact', revision: 103 })
    expect(nextStep(view({ alarms: full }), true)).toMatchObject({ kind: 'defragment', name: 'm2' })
    const tight = [1, 2, 3].map(index => member(index, { fileBytes: 10 * MiB, usedBytes: 10 * MiB }))
    expect(nextStep(view({ alarms: full, members: tight }), true)).toEqual({ kind: 'disarm', members: ['2'] })
  })

  test('leaves the alarm where nothing more can be freed', () => {
    const crammed = [1, 2, 3].map(index => member(index, { fileBytes: 1000 * MiB, usedBytes: 1000 * MiB }))
    expect(nextStep(view({ alarms: full, members: crammed }), true)).toEqual({ kind: 'full' })
  })
})
