// Before a member of etcd starts: looks at its volume, and leaves a configuration file with which it starts rightly.
//
//   data of this life         -> kept
//   data of a former life     -> set aside, then as without data
//   none, the life is forming -> restored from the snapshot that all members begin with; fresh when there is none
//   none, the life goes on    -> the member leaves the others and joins them as a new one; empty when no majority of them
//                                answers: then the operator has to decide (operator/etcd/life.ts)
//
// A member that lost its data must not come back under its old id: it would vote against what it had acknowledged before.

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bucket } from '../../bucket/s3.ts'
import { EtcdMember, type EtcdTls, type ListedMember } from '../etcd-member.ts'
import type { MemberReport } from '../member-report.ts'
import { restoreSnapshot } from './etcdutl.ts'
import type { PrepareSettings } from './settings.ts'
import { fetchSnapshot, listSnapshots, readManifest, type SnapshotManifest } from './snapshots.ts'

export interface PrepareTools {
  readonly bucket: Bucket
  readonly tls: EtcdTls | undefined
}

/** More revisions than a cluster makes between a snapshot and its loss. */
const BUMP = 1_000_000_000

type Report = Omit<MemberReport, 'member' | 'life'>

export async function prepare(settings: PrepareSettings, tools: PrepareTools): Promise<MemberReport> {
  const identity = { member: settings.POD_NAME, life: settings.KAFSCALE_ETCD_LIFE }
  return { ...identity, ...(await prepared(new Volume(settings), settings, tools)) }
}

async function prepared(volume: Volume, settings: PrepareSettings, tools: PrepareTools): Promise<Report> {
  const all = initialMembers(settings)
  if (await volume.hasDataOf(settings.KAFSCALE_ETCD_LIFE)) {
    await writeConfig(settings, 'existing', all)
    return { verdict: 'kept' }
  }
  await volume.setAside()
  if (settings.KAFSCALE_ETCD_LIFE_STATE === 'forming') {
    const manifest = settings.KAFSCALE_SNAPSHOTS ? await chosenSnapshot(settings, tools.bucket) : undefined
    if (manifest !== undefined) await restore(manifest, volume, settings, tools.bucket)
    await writeConfig(settings, 'new', all)
    await volume.label(settings.KAFSCALE_ETCD_LIFE)
    if (manifest === undefined) return { verdict: 'fresh' }
    const { key: snapshot, revision, time } = manifest
    return { verdict: 'restored', snapshot, revision, time }
  }
  const others = await rejoin(settings, tools.tls)
  if (typeof others === 'string') return { verdict: 'empty', problem: others.slice(0, 1000) }
  await writeConfig(settings, 'existing', others)
  await volume.label(settings.KAFSCALE_ETCD_LIFE)
  return { verdict: 'joined' }
}

/** What is on the volume of a member. */
class Volume {
  readonly folder: string
  readonly data: string

  constructor({ KAFSCALE_ETCD_DATA: folder }: PrepareSettings) {
    this.folder = folder
    this.data = join(folder, 'data')
  }

  /** Data that says nothing of its life is from before lives were counted: it is of the first one. */
  async hasDataOf(life: number): Promise<boolean> {
    const names = await readdir(join(this.data, 'member')).catch(() => undefined)
    if (names === undefined || !names.includes('snap') || !names.includes('wal')) return false
    const label = await readFile(join(this.folder, 'life'), 'utf8').catch(() => '1')
    // A cluster that is made anew over old volumes counts from 1 again; what they hold is newer than any snapshot.
    return Number(label) >= life
  }

  async label(life: number): Promise<void> {
    await writeFile(join(this.folder, 'life'), String(life))
  }

  /** One former life is kept, for whoever wants to look for what was lost. */
  async setAside(): Promise<void> {
    const lost = join(this.folder, 'lost')
    const names = await readdir(this.data).catch(() => undefined)
    if (names === undefined) return
    if (names.length > 0) {
      await rm(lost, { recursive: true, force: true })
      await rename(this.data, lost)
    } else await rm(this.data, { recursive: true })
  }
}

/** All members choose the same one: while none of them runs, no snapshot comes. */
async function chosenSnapshot(settings: PrepareSettings, bucket: Bucket): Promise<SnapshotManifest | undefined> {
  const { KAFSCALE_ETCD_RESTORE_FROM: asked, KAFSCALE_SNAPSHOT_PREFIX: prefix, KAFSCALE_ETCD_LIFE: life } = settings
  const key = asked === '' ? (await listSnapshots(bucket, prefix)).at(-1) : asked
  if (key === undefined) {
    if (life === 1) return undefined
    throw new Error(`there is no snapshot under ${prefix}/ to begin with after the loss of the data`)
  }
  const manifest = await readManifest(bucket, key)
  if (manifest === undefined) throw new Error(`the bucket has no verified snapshot ${key}`)
  return manifest
}

async function restore(
  manifest: SnapshotManifest,
  volume: Volume,
  settings: PrepareSettings,
  bucket: Bucket,
): Promise<void> {
  const file = join(volume.folder, 'restoring.db')
  const unfinished = join(volume.folder, 'restoring')
  try {
    await rm(unfinished, { recursive: true, force: true })
    await fetchSnapshot(bucket, manifest, file)
    const newest = await newestPosition(settings, bucket)
    await restoreSnapshot(settings.KAFSCALE_ETCDUTL, {
      file,
      dataFolder: unfinished,
      name: settings.POD_NAME,
      peerUrl: peerUrl(settings),
      cluster: clusterText(initialMembers(settings)),
      token: settings.KAFSCALE_ETCD_TOKEN,
      bumpRevision: Math.max(0, newest - manifest.revision) + BUMP,
    })
    await rename(unfinished, volume.data)
  } finally {
    await rm(file, { force: true })
  }
}

/** The last position of which the bucket knows: revisions up to there were given out. */
async function newestPosition({ KAFSCALE_S3_NAMESPACE: prefix }: PrepareSettings, bucket: Bucket): Promise<number> {
  let newest = 0
  for await (const { key } of bucket.list(`${prefix}/snapshot/`)) {
    newest = Math.max(newest, Number(/\/(\d+)-\d+$/.exec(key)?.[1] ?? 0))
  }
  return newest
}

interface NamedMember {
  readonly name: string
  readonly peerUrls: readonly string[]
}

/** Leaves and joins again; each of the two is done only once, however often this is begun. A text says why nobody helped. */
async function rejoin(settings: PrepareSettings, tls: EtcdTls | undefined): Promise<readonly NamedMember[] | string> {
  let problem = 'there are no other members'
  const own = peerUrl(settings)
  const others = settings.KAFSCALE_ETCD_ENDPOINTS.filter(endpoint => endpoint !== clientUrl(settings))
  for (const endpoint of others) {
    const member = new EtcdMember(endpoint, tls)
    try {
      // A linearizable read: a majority works.
      await member.value('joins')
      const found = (await member.members()).find(({ peerUrls }) => peerUrls.includes(own))
      if (found !== undefined && isStarted(found)) await member.removeMember(found.id)
      if (found === undefined || isStarted(found)) await member.addMember(own)
      const now = await member.members()
      return now.map(({ name, peerUrls }) => ({ name: peerUrls.includes(own) ? settings.POD_NAME : name, peerUrls }))
    } catch (cause) {
      problem = `${endpoint}: ${cause instanceof Error ? cause.message : String(cause)}`
    } finally {
      member.close()
    }
  }
  return problem
}

/** It has told the others where its clients find it: it may have voted. */
const isStarted = ({ clientUrls }: ListedMember): boolean => clientUrls.length > 0

const initialMembers = ({ KAFSCALE_ETCD_PEERS: peers }: PrepareSettings): readonly NamedMember[] => peers

const clusterText = (members: readonly NamedMember[]): string =>
  members.flatMap(({ name, peerUrls }) => peerUrls.map(url => `${name}=${url}`)).join(',')

function peerUrl({ KAFSCALE_ETCD_PEERS: peers, POD_NAME: own }: PrepareSettings): string {
  const url = peers.find(({ name }) => name === own)?.peerUrls[0]
  if (url === undefined) throw new Error(`KAFSCALE_ETCD_PEERS does not name ${own}`)
  return url
}

/** They are in the order of the members. */
function clientUrl({
  KAFSCALE_ETCD_PEERS: peers,
  KAFSCALE_ETCD_ENDPOINTS: endpoints,
  POD_NAME: own,
}: PrepareSettings): string {
  return endpoints[peers.findIndex(({ name }) => name === own)] ?? ''
}

/** JSON is YAML. */
async function writeConfig(
  settings: PrepareSettings,
  state: 'new' | 'existing',
  members: readonly NamedMember[],
): Promise<void> {
  const { POD_NAME: name, KAFSCALE_ETCD_CONFIG_FOLDER: folder } = settings
  const config = {
    name,
    ...settings.KAFSCALE_ETCD_CONFIG,
    'advertise-client-urls': clientUrl(settings),
    'initial-advertise-peer-urls': peerUrl(settings),
    'initial-cluster': clusterText(members),
    'initial-cluster-state': state,
    'initial-cluster-token': settings.KAFSCALE_ETCD_TOKEN,
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'etcd.yaml'), `${JSON.stringify(config, undefined, 2)}\n`)
}
