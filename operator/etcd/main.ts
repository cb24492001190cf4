#!/usr/bin/env node
/**
 * The agent of a managed etcd: `main.js prepare` before a member starts, `main.js snapshot` by the schedule.
 *
 * Its last words are one JSON document, in the file that kubelet reads them from: a member's report, or
 * `{ "snapshot": manifest }`, or `{ "problem": text }`. Exit codes: 0 done; 1 not done, try again; 2 wrong settings.
 */
import { writeFile } from 'node:fs/promises'
import { systemClock } from '../../broker/clock.ts'
import { prepare } from './agent/prepare.ts'
import { type AgentSettings, bucketOf, prepareSettings, snapshotSettings, tlsOf } from './agent/settings.ts'
import { takeSnapshot } from './agent/snapshot.ts'

const tools = { clock: systemClock, random: Math.random, limitMs: 60_000 }

/** kubelet reads 4096 bytes. */
async function say(settings: AgentSettings, words: object): Promise<void> {
  const text = JSON.stringify(words)
  console.log(text)
  await writeFile(settings.KAFSCALE_LAST_WORDS, text).catch(() => {})
}

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 1000)

async function runPrepare(): Promise<number> {
  const settings = prepareSettings.parse(process.env)
  const bucket = bucketOf(settings, process.env, tools)
  const { POD_NAME: member, KAFSCALE_ETCD_LIFE: life } = settings
  try {
    const report = await prepare(settings, { bucket, tls: await tlsOf(settings) })
    await say(settings, report)
    return report.verdict === 'empty' ? 1 : 0
  } catch (cause) {
    await say(settings, { member, life, verdict: 'failed', problem: textOf(cause) })
    return 1
  } finally {
    await bucket.close()
  }
}

async function runSnapshot(): Promise<number> {
  const settings = snapshotSettings.parse(process.env)
  const bucket = bucketOf(settings, process.env, tools)
  try {
    const snapshot = await takeSnapshot(settings, { bucket, tls: await tlsOf(settings), clock: systemClock })
    await say(settings, { snapshot })
    return 0
  } catch (cause) {
    await say(settings, { problem: textOf(cause) })
    return 1
  } finally {
    await bucket.close()
  }
}

const COMMANDS: Readonly<Record<string, () => Promise<number>>> = { prepare: runPrepare, snapshot: runSnapshot }

const command = COMMANDS[process.argv[2] ?? '']
if (command === undefined) {
  console.error(`usage: main.js ${Object.keys(COMMANDS).join(' | ')}`)
  process.exit(2)
}
try {
  process.exit(await command())
} catch (cause) {
  console.error(`kafscale-etcd-agent: ${textOf(cause)}`)
  process.exit(2)
}
