// A real Prometheus reads a real cluster at work and the operator that looks after it: every panel has data, and every alert
// fires when it should and only then.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Etcd3 } from 'etcd3'
import { stringify } from 'yaml'
import { z } from 'zod'
import { type ALERT_RULES, ofPods } from '../../operator/cluster/desired/alert-rules.ts'
import { ALERTS } from '../../tools/dashboards/alerts.ts'
import { DASHBOARDS } from '../../tools/dashboards/panels.ts'
import { run } from '../../tools/parts/command.ts'
import { etcd, prometheus, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { Clients } from './clients.ts'
import { Operated } from './operated.ts'
import { PrometheusServer } from './prometheus-server.ts'
import { Watched } from './watched.ts'

jest.setTimeout(240_000)

const FOLDER = join(import.meta.dirname, '..', '..', 'dashboards')
const RULES = join(FOLDER, 'alerts.yaml')
/** What is asked here of Grafana's model; rows have no queries. */
const dashboardSchema = z.object({
  panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })).default([]) })),
})

/**
 * How each alert is proved, besides the made-up series by which promtool judges all of them: `cause` is what the second suite
 * does to the cluster, at which the rule fires, and which it then takes back, at which it resolves. Ranges and `for` of the
 * rules are shortened for that (prometheus-server.ts). The others have made-up series alone, for the reason given.
 */
const PROOF: Readonly<
  Record<(typeof ALERT_RULES)[number]['name'], { readonly cause: string } | { readonly why: string }>
> = {
  KafScaleNoBrokers: { cause: 'all brokers are killed' },
  KafScaleBrokerDown: { cause: 'a broker is killed' },
  KafScaleCutOff: { cause: 'the way to etcd is cut' },
  KafScaleLedgerErrors: { cause: 'etcd is full' },
  KafScaleLedgerSlow: { cause: 'the way to etcd stands still for most of every second' },
  KafScaleStoreErrors: { cause: 'the bucket refuses everything' },
  KafScaleStoreSlow: { cause: 'the bucket answers after 3 s' },
  KafScaleProducersHeldBack: { cause: 'more is produced than a slow bucket takes' },
  KafScaleConsumerLag: { cause: 'a group stands before records that are ten minutes old' },
  KafScaleGroupWithoutMembers: { cause: 'the consumer stops while the producer goes on' },
  KafScaleRequestErrors: { cause: 'the bucket refuses everything' },
  KafScaleStatesDiffer: { why: 'brokers whose states differ would be a defect' },
  KafScaleUpkeepFailing: { why: 'upkeep is done by one broker at a time, a few times an hour' },
  KafScaleDeadObjects: { why: 'ten thousand objects' },
  KafScaleEventLoopBusy: { why: 'it would take the processor from all other tests' },
  KafScaleAuthenticationFailures: { cause: 'somebody guesses passwords' },
  KafScaleCertificateExpires: { cause: 'the certificate of a listener has five days left' },
  KafScaleRequestCost: { why: 'a thousand dollars a month' },
  KafScaleOperatorRunaway: { cause: 'another program writes the same field of a Service again and again' },
  KafScaleOperatorErrors: { cause: 'the API server refuses what the operator writes of topics' },
}
/** A machine that runs tests may be slow for a while, as a cluster that is well is not. */
const OF_SLOWNESS: readonly string[] = ['KafScaleLedgerSlow', 'KafScaleStoreSlow', 'KafScaleEventLoopBusy']
/** There is no way back from these. */
const LAST: readonly string[] = ['KafScaleLedgerErrors', 'KafScaleNoBrokers']
const byCause = Object.entries(PROOF).flatMap(([name, proof]) => ('cause' in proof ? [name] : []))

await suiteWith('Prometheus', Promise.all([prometheus(), etcd(), versitygw()]), ([programs]) => {
  describe('alerts', () => {
    let folder: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kafscale-alerts-'))
    })

    afterAll(() => rm(folder, { recursive: true }))

    const outcome = async (alert: string, story: 'fires' | 'quiet'): Promise<string> => {
      const found = ALERTS.find(({ name }) => name === alert)
      const input = found?.[story].series ?? []
      // How many are expected is left open: zero, and what promtool says is there instead.
      const tests = [{ interval: '1m', input_series: input, alert_rule_test: [{ eval_time: '90m', alertname: alert }] }]
      const path = join(folder, `${alert}-${story}.yaml`)
      await writeFile(path, stringify({ rule_files: [RULES], tests }))
      const { code, stdout, stderr } = await run(programs.promtool, ['test', 'rules', path])
      if (code === 0) return 'quiet'
      return `${stdout}${stderr}`.includes(`alertname="${alert}"`) ? 'fires' : `${stdout}${stderr}`
    }

    test('they are rules too when they are narrowed to the pods of a cluster', async () => {
      const rules = ALERTS.map(({ name, expr }) => ({ alert: name, expr: ofPods(expr, 'namespace="n",pod=~"c-.*"') }))
      const path = join(folder, 'narrowed.yaml')
      await writeFile(path, stringify({ groups: [{ name: 'g', rules }] }))
      expect(await run(programs.promtool, ['check', 'rules', path])).toMatchObject({ code: 0 })
    })

    test.each(ALERTS.map(({ name }) => name))('%s fires when it should, and only then', async name => {
      expect([await outcome(name, 'fires'), await outcome(name, 'quiet')]).toEqual(['fires', 'quiet'])
    })
  })

  describe('a cluster at work', () => {
    let folder: string
    let watched: Watched
    let clients: Clients
    let operated: Operated
    let server: PrometheusServer
    const stops: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kafscale-prometheus-'))
      stops.push(() => rm(folder, { recursive: true }))
      watched = await Watched.start()
      stops.push(() => watched.stop())
      clients = await Clients.start(watched)
      stops.push(() => clients.stop())
      operated = await Operated.start([
        { port: watched.port('steady'), metricsPort: watched.broker('steady').metricsPort },
      ])
      stops.push(() => operated.stop())
      const jobs = {
        'kafscale-broker': watched.brokers.map(({ metricsPort }) => metricsPort),
        'kafscale-operator': [operated.metricsPort],
      }
      server = await PrometheusServer.start({ program: programs.prometheus, folder, rules: RULES, jobs })
      stops.push(() => server.stop())
      await server.ready()
    })

    afterAll(async () => {
      for (const stop of stops.toReversed()) await stop()
    })

    /** What is left of `wanted` after at most `seconds`: each is asked again until it is so. */
    const missing = async (
      wanted: readonly string[],
      seconds: number,
      isSo: (all: readonly string[]) => Promise<readonly boolean[]>,
    ): Promise<string[]> => {
      let left = [...wanted]
      for (const end = Date.now() + seconds * 1000; left.length > 0 && Date.now() < end; await sleep(1000)) {
        const so = await isSo(left)
        left = left.filter((_, index) => so[index] !== true)
      }
      return left
    }

    const hasData = async (expr: string): Promise<boolean> => {
      const query = expr
        .replaceAll('$__rate_interval', '20s')
        .replaceAll('[30m]', '[60s]')
        .replace(/\$(namespace|instance)\b/g, '.*')
      return (await server.ask(query).catch(() => [])).length > 0
    }

    const fires = async (names: readonly string[]): Promise<boolean[]> => {
      const firing = await server.firing()
      return names.map(name => firing.has(name))
    }

    test.each(DASHBOARDS.map(({ name }) => name))('dashboard %s: every query of every panel has data', async name => {
      const { panels } = dashboardSchema.parse(JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')))
      const exprs = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
      expect(exprs.length).toBeGreaterThan(5)
      expect(await missing(exprs, 90, all => Promise.all(all.map(hasData)))).toEqual([])
    })

    test('no alert is about to fire while all is well', async () => {
      const alerts = await server.ask('ALERTS{hastened=""}')
      expect(alerts.filter(({ alertname = '' }) => !OF_SLOWNESS.includes(alertname))).toEqual([])
      expect(alerts.filter(({ alertstate }) => alertstate === 'firing')).toEqual([])
    })

    test('the page that is scraped is small', async () => {
      const page = await watched.broker('steady').metrics()
      expect(page.length).toBeLessThan(2_000_000)
    })

    /** Begins all causes at once; what it returns takes them back. */
    const harm = async (): Promise<() => Promise<void>> => {
      const [toEtcd] = watched.broker('severed').etcdProxies
      let isWrong = true
      const goesOn = (): boolean => isWrong
      await clients.fallBehind()
      await clients.stopReading()
      watched.refusingStore.chances({ '500': 1 })
      clients.insist('refused', 30, goesOn)
      watched.slowStore.latencyMs = 3000
      clients.flood('steady', goesOn)
      clients.insist('severed', 4, goesOn)
      clients.guessPasswords(goesOn)
      await watched.showCertificate(5)
      await watched.broker('killed').kill()
      operated.refuseTopics()
      await operated.addTopic('orders-9')
      const rivalry = whileIt(goesOn, () => operated.contend(), 100)
      // First slow, then cut.
      const isSlow = async (): Promise<void> => {
        toEtcd?.silence()
        await sleep(800)
        toEtcd?.heal()
      }
      const severing = (async () => {
        for (const end = Date.now() + 60_000; Date.now() < end && !(await fires(['KafScaleLedgerSlow']))[0]; )
          for (let times = 0; times < 3; times++) await isSlow().then(() => sleep(100))
        if (isWrong) toEtcd?.cut()
      })()
      return async () => {
        isWrong = false
        await severing
        toEtcd?.heal()
        watched.refusingStore.heal()
        watched.slowStore.heal()
        operated.heal()
        await rivalry
        await watched.showCertificate(60)
        await watched.broker('killed').start()
        await clients.read()
        await clients.catchUp()
      }
    }

    test('alerts fire by their causes, and resolve when these end', async () => {
      const lasting = byCause.filter(name => !LAST.includes(name))
      const heal = await harm()
      const quiet = await missing(lasting, 90, fires).finally(heal)
      expect(quiet).toEqual([])
      const still = await missing(lasting, 90, async names => (await fires(names)).map(one => !one))
      expect(still).toEqual([])
    })

    test('a ledger that takes nothing, and that nobody is left, are told of too', async () => {
      await clients.stopReading()
      clients.insist('steady', 1, () => true)
      await fillUp(watched.cluster.etcd.endpoints)
      expect(await missing(['KafScaleLedgerErrors'], 60, fires)).toEqual([])
      await Promise.all(watched.brokers.map(broker => broker.kill()))
      expect(await missing(['KafScaleNoBrokers'], 60, fires)).toEqual([])
    })
  })
})

async function whileIt(goesOn: () => boolean, turn: () => Promise<unknown>, pauseMs: number): Promise<void> {
  for (; goesOn(); await sleep(pauseMs)) await turn().catch(() => {})
}

/** Until etcd refuses to take more. */
async function fillUp(hosts: string[]): Promise<void> {
  const client = new Etcd3({ hosts })
  try {
    for (let n = 0; n < 1000; n++) await client.put(`/junk/${n}`).value(Buffer.alloc(1_000_000, n))
    throw new Error('etcd took everything')
  } catch (cause) {
    if (!String(cause).includes('space')) throw cause
  } finally {
    client.close()
  }
}
