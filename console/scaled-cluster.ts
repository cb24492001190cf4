/**
 * What the console shows of a KafScaleCluster: the part of it that tells of scaling. It comes from the API server, or from a
 * file that the operator keeps, where the console has no account there.
 */
import { z } from 'zod'
import { clusterStatusSchema } from '../operator/types/cluster-status.ts'
import { scalingSchema } from '../operator/types/scaling.ts'

export const scaledClusterSchema = z.object({
  metadata: z.object({ namespace: z.string().optional(), name: z.string() }),
  spec: z.object({ scaling: scalingSchema.prefault({}) }),
  status: clusterStatusSchema.pick({ brokers: true, scaling: true, lag: true, conditions: true }).optional(),
})

export type ScaledCluster = z.output<typeof scaledClusterSchema>
