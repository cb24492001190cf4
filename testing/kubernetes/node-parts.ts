// What a node and KafScale on it are made of, fetched or built where it is not there yet.

import { join } from 'node:path'
import { checkedRun } from '../../tools/image/checked-run.ts'
import {
  type ContainerRuntime,
  containerRuntime,
  etcd,
  kubernetes,
  PartUnavailable,
  pause,
} from '../../tools/parts/parts.ts'
import { whyNoBox } from './box.ts'
import type { NodeParts } from './node.ts'
import { nodeImages } from './node-images.ts'

const root = join(import.meta.dirname, '../..')

/** As the chart names it by default. */
export const KAFSCALE_IMAGE = 'localhost/kafscale:0.1.0'

/** Throws PartUnavailable where there can be no node; that is found out before anything is built. */
export async function nodeParts(): Promise<NodeParts> {
  const runtime = await boxRuntime()
  return {
    runtime,
    kubernetes: await kubernetes(),
    etcd: await etcd(),
    pause: await pause(),
    images: await nodeImages(),
  }
}

/** What a box needs of the machine, and what runs in it. */
export async function boxRuntime(): Promise<ContainerRuntime> {
  if (process.getuid?.() !== 0) throw new MachineUnable('a node of Kubernetes needs root')
  // Installed first, for the machine is asked by some of it.
  const runtime = await containerRuntime()
  const reason = await whyNoBox()
  if (reason !== undefined) throw new MachineUnable(reason)
  return runtime
}

/** No installation would help: the kernel does not have it, or does not let us. */
export class MachineUnable extends PartUnavailable {
  override name = 'MachineUnable'
}

/** Builds the image of broker and operator from the sources as they are. Answers the path of its archive. */
export async function kafscaleImage(folder: string): Promise<string> {
  const archive = join(folder, 'kafscale.tar')
  await checkedRun(process.execPath, [join(root, 'tools/image/main.ts'), archive, KAFSCALE_IMAGE])
  return archive
}
