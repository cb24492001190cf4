// One operator as a process of its own, for the bench: as operator/main.ts, but that all clusters have the same brokers.
// API=url BROKER=port IDENTITY=name; it says "leads" when it does.

import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { Operator } from '../../operator/operator.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import { EngineMetrics } from '../../operator/runtime/metrics.ts'

const { API = '', BROKER = '', IDENTITY = '' } = process.env
const metrics = new EngineMetrics()
const client = new HttpKubeClient({
  connection: { server: API, namespace: 'shop' },
  clock: systemClock,
  userAgent: IDENTITY,
  requestTimeoutMs: 4000,
  onRequest: request => metrics.request(request),
})
const operator = new Operator({
  client,
  clock: systemClock,
  random: Math.random,
  log: createLogger('error'),
  defaults: { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local' },
  namespace: 'shop',
  watched: ['shop'],
  leaseName: 'kafscale-operator',
  identity: IDENTITY,
  metrics,
  addressOf: () => ({ host: '127.0.0.1', port: Number(BROKER) }),
})
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const look = setInterval(() => {
  if (!operator.elector.stillLeader()) return
  console.log('leads')
  clearInterval(look)
}, 20)
await operator.run(stop.signal)
clearInterval(look)
await client.close()
