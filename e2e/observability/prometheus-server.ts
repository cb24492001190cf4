// A real Prometheus on loopback that scrapes every second, and its rules: as they are, and hastened, so that a test sees in
// seconds what takes minutes. Only times are other ones then: ranges and `for`; what an alert asks for and its limits stay.

import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { freePorts } from '../../testing/ports.ts'

/** Of a hastened rule. */
const RANGE = '12s'
const WAIT = '1s'
const READY_MS = 30_000

const rulesSchema = z.object({
  groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ expr: z.string(), labels: z.looseObject({}) })) })),
})
const answerSchema = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
})

export interface PrometheusOptions {
  readonly program: string
  /** An empty one, of the caller. */
  readonly folder: string
  /** Path of the rules. */
  readonly rules: string
  /** Ports on loopback by job. */
  readonly jobs: Readonly<Record<string, readonly number[]>>
}

export class PrometheusServer {
  readonly url: string
  readonly #process: ReturnType<typeof spawn>

  static async start({ program, folder, rules, jobs }: PrometheusOptions): Promise<PrometheusServer> {
    const [port = 0] = await freePorts(1)
    const hastened = join(folder, 'hastened.yaml')
    await writeFile(hastened, hasten(await readFile(rules, 'utf8')))
    const config = join(folder, 'prometheus.yml')
    const scrapes = Object.entries(jobs).map(([name, ports]) => ({
      job_name: name,
      static_configs: [{ targets: ports.map(one => `127.0.0.1:${one}`) }],
    }))
    const global = { scrape_interval: '1s', evaluation_interval: '1s' }
    await writeFile(config, stringify({ global, rule_files: [rules, hastened], scrape_configs: scrapes }))
    const options = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--log.level=error']
    const server = spawn(program, [...options, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
    return new PrometheusServer(`http://127.0.0.1:${port}`, server)
  }

  private constructor(url: string, server: ReturnType<typeof spawn>) {
    this.url = url
    this.#process = server
  }

  /** Resolves when it answers. */
  async ready(): Promise<void> {
    for (const end = Date.now() + READY_MS; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 50))) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined)
      if (answer?.ok === true) return
    }
    throw new Error('Prometheus does not get ready')
  }

  /** The labels of each series that there is now. */
  async ask(expr: string): Promise<Readonly<Record<string, string>>[]> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`)
    return answerSchema.parse(await response.json()).data.result.map(({ metric }) => metric)
  }

  /** Names of the alerts that fire by the hastened rules. */
  async firing(): Promise<ReadonlySet<string>> {
    const series = await this.ask('ALERTS{hastened="yes",alertstate="firing"}')
    return new Set(series.map(({ alertname = '' }) => alertname))
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const ended = new Promise(resolve => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
  }
}

function hasten(text: string): string {
  const { groups } = rulesSchema.parse(parse(text))
  const faster = groups.map(group => ({
    ...group,
    name: 'hastened',
    rules: group.rules.map(rule => ({
      ...rule,
      expr: rule.expr.replace(/\[\d+m\]/g, `[${RANGE}]`),
      for: WAIT,
      labels: { ...rule.labels, hastened: 'yes' },
    })),
  }))
  return stringify({ groups: faster })
}
