// Against brokers of ours in this process, and against nothing.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Broker } from '../broker/broker.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { freePorts } from '../testing/ports.ts'
import { doctorCommand } from './doctor-command.ts'

let folder: string
let settings: Record<string, string>
let broker: Broker | undefined

const diagnose = async (
  more: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<{ code: number; lines: string[] }> => {
  const lines: string[] = []
  const code = await doctorCommand(args, { ...settings, ...more }, line => lines.push(line))
  return { code, lines }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-doctor-'))
  const [port, metrics] = await freePorts(2)
  settings = {
    KAFSCALE_DATA_DIR: folder,
    KAFSCALE_BROKER_ADDR: `127.0.0.1:${port}`,
    KAFSCALE_METRICS_ADDR: `127.0.0.1:${metrics}`,
  }
})

afterEach(async () => {
  await broker?.stop()
  broker = undefined
  await rm(folder, { recursive: true })
})

test('finds nothing wrong before the first start', async () => {
  const { code, lines } = await diagnose()
  expect([code, lines.at(-1)]).toEqual([0, 'all is well'])
  expect(lines).toContainEqual(
    expect.stringMatching(/broker: nobody listens on 127\.0\.0\.1:\d+: no broker runs there yet/),
  )
})

test('finds a broker at work', async () => {
  broker = await Broker.start({ settings: loadSettings(settings), log: createLogger('silent'), onLost: () => {} })
  const { code, lines } = await diagnose()
  expect(code).toBe(0)
  expect(lines).toContainEqual(expect.stringMatching(/a broker answers on .*, and all 1 brokers that it tells of/))
  expect(lines).toContainEqual(expect.stringContaining('in use by a broker'))
})

test('comes in as a client does where brokers do not take everybody', async () => {
  const users = join(folder, 'users.yaml')
  await writeFile(users, 'alice: alice-secret\n')
  const security = { protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'], usersFile: users }
  const secured = { KAFSCALE_LISTENER_SECURITY: JSON.stringify({ PLAINTEXT: security }) }
  broker = await Broker.start({
    settings: loadSettings({ ...settings, ...secured }),
    log: createLogger('silent'),
    onLost: () => {},
  })
  const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username=alice password='
  const configOf = async (password: string): Promise<string[]> => {
    const file = join(folder, 'client.properties')
    const lines = ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN', `sasl.jaas.config=${jaas}${password};`]
    await writeFile(file, lines.join('\n'))
    return ['--command-config', file]
  }
  const known = await diagnose(secured, await configOf('alice-secret'))
  expect(known.lines).toContainEqual(
    expect.stringMatching(/a broker answers on .*, and all 1 brokers that it tells of/),
  )
  const stranger = await diagnose(secured)
  expect(stranger.lines).toContainEqual(expect.stringMatching(/^ok .*broker: a broker answers on [^,]*$/))
  const guessed = await diagnose(secured, await configOf('guessed-secret'))
  expect(guessed.lines).toContainEqual(expect.stringMatching(/^WRONG .*broker: Authentication failed/))
  expect(guessed.lines.join()).not.toContain('guessed-secret')
})

test('finds a name that clients cannot look up', async () => {
  const { code, lines } = await diagnose({ KAFSCALE_BROKER_HOST: 'no-such-host.invalid' })
  expect(code).toBe(1)
  expect(lines).toContainEqual(expect.stringMatching(/^WRONG .*no-such-host\.invalid, which has no address here/))
})

test('finds settings that are wrong, and looks no further', async () => {
  const { code, lines } = await diagnose({ KAFSCALE_BROKER_PORT: 'x' })
  expect([code, lines]).toEqual([1, [expect.stringMatching(/^WRONG {2}settings: KAFSCALE_BROKER_PORT/)]])
})

test('finds a place of the data that cannot be used', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const { code, lines } = await diagnose({ KAFSCALE_DATA_DIR: join(file, 'below') })
  expect([code, lines.filter(line => line.startsWith('WRONG'))]).toEqual([
    1,
    [expect.stringMatching(/place of the data: KAFSCALE_DATA_DIR/)],
  ])
})
