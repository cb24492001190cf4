// What the pretended node reads of workloads.

import { z } from 'zod'

const envVar = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .object({
      fieldRef: z.object({ fieldPath: z.string() }).optional(),
      secretKeyRef: z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() }).optional(),
    })
    .optional(),
})

const containerSchema = z.object({
  name: z.string(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(envVar).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).default([]),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
  readinessProbe: z
    .object({ httpGet: z.object({ path: z.string(), port: z.union([z.string(), z.number()]) }) })
    .optional(),
})

const volumeSchema = z.object({
  name: z.string(),
  secret: z.object({ secretName: z.string() }).optional(),
  configMap: z.object({ name: z.string() }).optional(),
})

export const templateSchema = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    initContainers: z.array(containerSchema).default([]),
    containers: z.array(containerSchema),
    volumes: z.array(volumeSchema).default([]),
  }),
})

export const workloadSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), generation: z.number().default(1) }),
  spec: z.object({ replicas: z.number().default(1), template: templateSchema }),
})

export const cronJobSchema = z.object({
  spec: z.object({ jobTemplate: z.object({ spec: z.object({ template: templateSchema }) }) }),
})

export type Container = z.output<typeof containerSchema>
export type Template = z.output<typeof templateSchema>
export type PodWorkload = z.output<typeof workloadSchema>
