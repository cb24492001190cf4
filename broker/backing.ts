/**
 * What stands behind a broker: its ledger and its object store, as the settings say. In a folder for one machine, in etcd
 * and a bucket for a cluster. What cannot be reached is an error; nothing stands in for it.
 */
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskSpace } from './api/parts.ts'
import type { Clock } from './clock.ts'
import { FileLedger } from './ledger/file.ts'
import type { Ledger } from './ledger/ledger.ts'
import { FolderStore } from './objects/folder.ts'
import type { ObjectStore } from './objects/object-store.ts'
import type { Logger } from './observe/logger.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Settings } from './settings.ts'
import { folderRollUpLimits, type RollUpLimits } from './upkeep/roll-up.ts'

export interface Backing {
  readonly ledger: Ledger
  readonly store: ObjectStore
  /** What DescribeLogDirs calls the place of the data. */
  readonly logDir: string
  readonly diskSpace: (() => Promise<DiskSpace>) | undefined
  /** True when a broker that was lost can begin a new life upon the same ledger. */
  readonly outlivesBroker: boolean
  readonly flush: { readonly uploadSlots: number; readonly putsPerSecond: number }
  readonly rollUp: RollUpLimits
}

export interface BackingParts {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Called with what closes each part, as soon as it is open. */
  readonly opened: (close: () => Promise<void>) => void
}

export async function openBacking(settings: Settings, parts: BackingParts): Promise<Backing> {
  if (settings.dataDir !== undefined) return openFolder(settings, settings.dataDir, parts)
  // The clients of etcd and AWS take 50 MB and half a second, which a broker on one machine need not spend.
  const { openCluster } = await import('./backing-cluster.ts')
  return openCluster(settings, parts)
}

async function openFolder(settings: Settings, dataDir: string, { opened }: BackingParts): Promise<Backing> {
  const ledger = await FileLedger.open({ folder: join(dataDir, 'ledger') })
  opened(() => ledger.close())
  const store = await FolderStore.open(join(dataDir, 'objects'))
  opened(() => store.close())
  return {
    ledger,
    store,
    logDir: dataDir,
    diskSpace: async () => {
      const { blocks, bavail, bsize } = await statfs(dataDir)
      return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
    },
    outlivesBroker: false,
    flush: flushOf(settings, { uploadSlots: 1, putsPerSecond: 0 }),
    rollUp: folderRollUpLimits,
  }
}

export function flushOf(
  settings: Settings,
  defaults: { uploadSlots: number; putsPerSecond: number },
): Backing['flush'] {
  const putsPerSecond = settings.putsPerSecond ?? defaults.putsPerSecond
  return {
    uploadSlots: settings.uploadSlots ?? defaults.uploadSlots,
    putsPerSecond: putsPerSecond === 0 ? Number.POSITIVE_INFINITY : putsPerSecond,
  }
}
