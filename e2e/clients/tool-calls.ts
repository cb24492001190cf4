// The command lines that the comparison runs against both brokers, in this order.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaTools, ToolName, ToolOutcome } from './kafka-tools.ts'

interface ToolCall {
  tool: ToolName
  line: string
  stdin?: string
}

const call = (tool: ToolName, line: string, stdin?: string): ToolCall =>
  stdin === undefined ? { tool, line } : { tool, line, stdin }
const topics = (line: string) => call('kafka-topics', line)
const configs = (line: string) => call('kafka-configs', line)
const groups = (line: string) => call('kafka-consumer-groups', line)
const reset = (line: string) => groups(`--reset-offsets --group t-group --topic t-1 ${line}`)

const SHOW_ALL = ['key', 'headers', 'partition', 'offset', 'timestamp'].map(
  what => `--formatter-property print.${what}=true`,
)
const CREATION_SETTLES_MS = 300

/** `FOLDER` stands for a folder with the files of `FILES`. */
const FILES = {
  'delete.json': '{"partitions":[{"topic":"t-1","partition":0,"offset":2}],"version":1}',
  'offsets.csv': 't-1,0,1\n',
}

export const TOOL_CALLS: ToolCall[] = [
  topics('--create --topic t-1 --partitions 2 --config retention.ms=-1'),
  topics('--create --topic t-1'),
  topics('--create --topic t.1'),
  topics('--create --topic t_1'),
  topics('--create --topic t-2 --replication-factor 2'),
  // Only where it was created; no later answer shall depend on that.
  topics('--delete --if-exists --topic t-2'),
  topics('--describe --topic t-1'),
  topics('--describe --topic no-such'),
  topics('--describe --topic t-1 --unavailable-partitions'),
  topics('--describe --topic t-1 --under-replicated-partitions'),
  topics('--describe --topics-with-overrides'),
  topics('--list'),
  topics('--alter --topic t-1 --partitions 3'),
  topics('--alter --topic t-1 --partitions 1'),
  topics('--delete --topic no-such'),
  configs('--describe --entity-type topics --entity-name t-1'),
  configs('--describe --entity-type topics --entity-name t-1 --all'),
  configs('--describe --entity-type topics --entity-name no-such'),
  configs('--alter --entity-type topics --entity-name t-1 --add-config max.message.bytes=9000'),
  configs('--alter --entity-type topics --entity-name t-1 --add-config no.such=1'),
  configs('--alter --entity-type topics --entity-name t-1 --delete-config max.message.bytes'),
  configs('--alter --entity-type topics --entity-name t-1 --delete-config max.message.bytes'),
  configs('--describe --entity-type topics --entity-name t-1'),
  configs('--describe --entity-type brokers --entity-default'),
  configs('--describe --entity-type users'),
  configs('--describe --entity-type clients'),
  configs('--describe --entity-type groups --entity-name t-group'),
  call(
    'kafka-console-producer',
    '--topic t-1 --reader-property parse.key=true --reader-property key.separator=:',
    'a:1\nb:2\nc:3\nd:4\ne:5\n',
  ),
  call('kafka-get-offsets', '--topic t-1'),
  call('kafka-get-offsets', '--topic t-1 --time earliest'),
  call('kafka-get-offsets', '--topic t-1 --time 0'),
  call('kafka-get-offsets', '--topic-partitions t-1:0-2'),
  call('kafka-get-offsets', '--topic no-such'),
  call(
    'kafka-console-consumer',
    `--topic t-1 --from-beginning --max-messages 5 --group t-group ${SHOW_ALL.slice(0, 4).join(' ')}`,
  ),
  call('kafka-console-consumer', '--topic t-1 --partition 0 --offset earliest --timeout-ms 1500'),
  groups('--list'),
  groups('--list --state'),
  groups('--list --type'),
  groups('--describe --group t-group'),
  groups('--describe --group t-group --members --verbose'),
  groups('--describe --group t-group --state'),
  groups('--describe --group no-such'),
  groups('--describe --all-groups --offsets'),
  reset('--to-earliest --dry-run'),
  reset('--to-earliest --execute'),
  reset('--shift-by 1 --execute'),
  reset('--shift-by -9 --execute'),
  reset('--to-offset 99 --execute'),
  reset('--to-latest --execute'),
  reset('--to-current --export --dry-run'),
  reset('--by-duration PT1H --execute'),
  reset('--to-datetime 2040-01-01T00:00:00.000 --execute'),
  groups('--reset-offsets --group t-group --from-file FOLDER/offsets.csv --execute'),
  groups('--reset-offsets --group t-group --all-topics --to-earliest --execute'),
  groups('--reset-offsets --group t-new --topic t-1:0 --to-latest --execute'),
  groups('--reset-offsets --group t-new --topic no-such --to-latest --execute'),
  groups('--describe --group t-new'),
  groups('--delete-offsets --group t-group --topic t-1'),
  groups('--delete-offsets --group t-group --topic no-such'),
  groups('--delete --group t-group'),
  groups('--delete --group no-such'),
  call('kafka-delete-records', '--offset-json-file FOLDER/delete.json'),
  call('kafka-get-offsets', '--topic t-1 --time earliest'),
  call('kafka-groups', '--list'),
  call('kafka-cluster', 'cluster-id'),
  call('kafka-cluster', 'list-endpoints'),
  call('kafka-broker-api-versions', ''),
  topics('--delete --topic t-1'),
  topics('--list'),
]

/** Runs every call; answers the outcomes with the command lines that were run. */
export async function toolCalls(tools: KafkaTools): Promise<{ step: string; outcome: ToolOutcome }[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-tool-calls-'))
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(folder, name), content)
  const outcomes: { step: string; outcome: ToolOutcome }[] = []
  for (const { tool, line, stdin } of TOOL_CALLS) {
    const args = line
      .replaceAll('FOLDER', folder)
      .split(' ')
      .filter(word => word !== '')
    const outcome = await tools.run(tool, args, stdin)
    outcomes.push({ step: `${tool} ${line}`.trim(), outcome })
    // Apache Kafka's broker learns of a change after the controller has answered it.
    if (tool === 'kafka-topics') await sleep(CREATION_SETTLES_MS)
  }
  await rm(folder, { recursive: true })
  return outcomes
}
