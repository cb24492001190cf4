// What a whole run asks of the API server is what the Role allows, and the Role allows nothing else.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { Broker } from '../broker/broker.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { runOperator } from '../testing/operator.ts'
import { operatorStory } from '../testing/operator-story.ts'
import { PretendedBrokers } from '../testing/pretended-brokers.ts'
import { GRANTS, type Grant, OWN_GRANTS } from './rbac.ts'

/** Never asked for by the operator itself: the API server asks whether it may, when an owner reference blocks deletion. */
const ASKED_BY_ADMISSION = /^kafscale(clusters|users)\/finalizers update$/

const named = ({ resource, subresource, verbs }: Grant): string[] =>
  verbs.map(verb => `${resource.plural}${subresource === undefined ? '' : `/${subresource}`} ${verb}`)

test('the rights of the operator are those that it uses, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-rbac-'))
  const log = createLogger('silent')
  const settings = loadSettings({
    KAFSCALE_DATA_DIR: folder,
    KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
    KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
  })
  const broker = await Broker.start({ settings, log, onLost: () => {} })
  const api = await KubeApi.start()
  const { stop } = runOperator(api.client('operator'), 'operator', () => ({ host: '127.0.0.1', port: broker.port }))
  const pods = PretendedBrokers.start(api, 'shop', 'orders')
  try {
    await operatorStory(api.bystander())
  } finally {
    await stop()
    await pods.stop()
    await broker.stop()
    await rm(folder, { recursive: true })
  }
  const used = new Set(
    api.calls
      .filter(({ caller, verb }) => caller === 'operator' && verb !== 'discover')
      .map(
        ({ resource, subresource, verb }) => `${resource.plural}${subresource === '' ? '' : `/${subresource}`} ${verb}`,
      ),
  )
  const granted = new Set([...GRANTS, ...OWN_GRANTS].flatMap(named))
  await api.stop()
  expect([...used].filter(call => !granted.has(call))).toEqual([])
  const unused = [...granted].filter(call => !used.has(call) && !ASKED_BY_ADMISSION.test(call))
  // Server-side apply of an object that is not there is a patch on the wire, and a create in the eyes of RBAC.
  expect(unused.filter(call => !call.endsWith(' create') || call.startsWith('leases'))).toEqual([])
})
