// Apache Kafka's command line tools by their scripts' names, run in one JVM (e2e/java/tools/ToolRunner.java).

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compiled, jdk, kafka } from '../../tools/parts/parts.ts'

const MAIN_CLASSES = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-groups': 'org.apache.kafka.tools.GroupsCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
}

export type ToolName = keyof typeof MAIN_CLASSES

export interface ToolOutcome {
  code: number
  stdout: string
  stderr: string
}

export interface ToolsProgram {
  program: string
  args: string[]
}

const SOURCE = join(import.meta.dirname, '..', 'java', 'tools', 'ToolRunner.java')
const RUN_LIMIT_MS = 60_000

export async function kafkaToolsProgram(): Promise<ToolsProgram> {
  const [{ java }, jars] = await Promise.all([jdk(), kafka('4.3.1')])
  const classPath = await compiled('tools-4.3.1', [SOURCE], jars)
  const quiet = '-Dorg.apache.logging.log4j.level=ERROR'
  return { program: java, args: ['-Xmx256m', '-XX:+UseSerialGC', quiet, '-cp', classPath, 'ToolRunner'] }
}

export class KafkaTools {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #bootstrap: string
  readonly #waiting = new Map<number, (outcome: ToolOutcome) => void>()
  #lastId = 0

  constructor({ program, args }: ToolsProgram, bootstrap: string) {
    const { NODE_OPTIONS: _forJestOnly, ...env } = process.env
    this.#child = spawn(program, args, { env })
    this.#bootstrap = bootstrap
    this.#child.stdin.on('error', () => {})
    createInterface(this.#child.stdout).on('line', line => {
      if (!line.startsWith('{"id"')) return
      const { id, ...outcome } = JSON.parse(line)
      this.#waiting.get(id)?.(outcome)
      this.#waiting.delete(id)
    })
  }

  /** Runs a tool with `--bootstrap-server`; runs follow one another. */
  run(tool: ToolName, args: string[], stdin = ''): Promise<ToolOutcome> {
    const id = ++this.#lastId
    const all = ['--bootstrap-server', this.#bootstrap, ...args]
    // This one wants its subcommand first.
    if (tool === 'kafka-cluster') all.unshift(...all.splice(2, 1))
    return new Promise((resolve, reject) => {
      const late = new Error(`${tool} ${args.join(' ')} took more than ${RUN_LIMIT_MS} ms`)
      const limit = setTimeout(() => reject(late), RUN_LIMIT_MS)
      this.#waiting.set(id, outcome => {
        clearTimeout(limit)
        resolve(outcome)
      })
      this.#child.stdin.write(`${JSON.stringify({ id, main: MAIN_CLASSES[tool], args: all, stdin })}\n`)
    })
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>(resolve => this.#child.on('close', () => resolve()))
    this.#child.kill('SIGKILL')
    await ended
  }
}
