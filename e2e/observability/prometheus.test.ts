// A real Prometheus reads a real cluster at work: every panel has data, and every alert fires when it should and only then.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Admin, type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { stringify } from 'yaml'
import { z } from 'zod'
import { ofPods } from '../../operator/cluster/desired/alert-rules.ts'
import { Cluster } from '../../testing/cluster/cluster.ts'
import { freePorts } from '../../testing/ports.ts'
import { ALERTS } from '../../tools/dashboards/alerts.ts'
import { DASHBOARDS } from '../../tools/dashboards/panels.ts'
import { run } from '../../tools/parts/command.ts'
import { etcd, prometheus, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(240_000)

const RULES = join(import.meta.dirname, '..', '..', 'dashboards', 'alerts.yaml')
const answerSchema = z.object({
  status: z.literal('success'),
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
})

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

  describe('dashboards', () => {
    let cluster: Cluster
    let server: ReturnType<typeof spawn>
    let folder: string
    let base: string
    let producer: Producer
    let consumer: Consumer
    let admin: Admin
    let isOver = false
    let working: Promise<void>

    beforeAll(async () => {
      cluster = await Cluster.start({ brokers: 2 })
      folder = await mkdtemp(join(tmpdir(), 'kafscale-prometheus-'))
      const [port] = await freePorts(1)
      base = `http://127.0.0.1:${port}`
      const config = {
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [RULES],
        scrape_configs: [
          {
            job_name: 'kafscale-broker',
            static_configs: [{ targets: cluster.brokers.map(({ metricsPort }) => `127.0.0.1:${metricsPort}`) }],
          },
        ],
      }
      const path = join(folder, 'prometheus.yml')
      await writeFile(path, stringify(config))
      const options = [`--config.file=${path}`, `--storage.tsdb.path=${join(folder, 'data')}`]
      server = spawn(programs.prometheus, [...options, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'])
      const kafka = new Kafka({ brokers: cluster.bootstrap.split(','), logLevel: logLevel.NOTHING })
      admin = kafka.admin()
      producer = kafka.producer()
      consumer = kafka.consumer({ groupId: 'watched' })
      await Promise.all([admin.connect(), producer.connect(), consumer.connect()])
      await admin.createTopics({ topics: [{ topic: 'seen', numPartitions: 3 }] })
      await consumer.subscribe({ topic: 'seen', fromBeginning: true })
      await consumer.run({ eachMessage: async () => {} })
      working = load()
    })

    afterAll(async () => {
      isOver = true
      await working
      await Promise.all([admin.disconnect(), producer.disconnect(), consumer.disconnect()])
      const ended = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
      await cluster.stop()
      await rm(folder, { recursive: true })
    })

    const load = async (): Promise<void> => {
      while (!isOver) {
        const messages = Array.from({ length: 20 }, (_, n) => ({ key: String(n), value: 'v'.repeat(500) }))
        await producer.send({ topic: 'seen', messages }).catch(() => {})
        await sleep(100)
      }
    }

    const ask = async (expr: string): Promise<number> => {
      const query = expr.replaceAll('$__rate_interval', '20s').replaceAll('[30m]', '[60s]')
      const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(query)}`)
      return answerSchema.parse(await response.json()).data.result.length
    }

    /** Those that have no data within a minute. */
    const empty = async (exprs: readonly string[]): Promise<string[]> => {
      let left = [...exprs]
      for (const end = Date.now() + 90_000; left.length > 0 && Date.now() < end; await sleep(2000)) {
        const counts = await Promise.all(left.map(expr => ask(expr).catch(() => 0)))
        left = left.filter((_, index) => counts[index] === 0)
      }
      return left
    }

    const ofBrokers = DASHBOARDS.filter(({ name }) => name !== 'operator')
    test.each(ofBrokers.map(dashboard => [dashboard.name, dashboard] as const))(
      '%s: every panel has data',
      async (_, { rows }) => {
        const exprs = rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)))
        expect(await empty(exprs)).toEqual([])
      },
    )

    test('no alert is about to fire on a cluster that is well', async () => {
      expect(await ask('ALERTS{alertname!="KafScaleBrokerDown"}')).toBe(0)
    })

    test('the page that is scraped is small', async () => {
      const [broker] = cluster.brokers
      const page = await (await fetch(`http://127.0.0.1:${broker?.metricsPort}/metrics`)).text()
      expect(page.length).toBeLessThan(2_000_000)
    })
  })
})
