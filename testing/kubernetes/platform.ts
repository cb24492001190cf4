// KafScale on a Kubernetes as a user installs it: a namespace with a bucket, the chart, and the cluster and topic of
// config/samples with what this place has instead of AWS.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type Manifest, manifestSchema } from '../../operator/runtime/object.ts'
import { run } from '../../tools/parts/command.ts'
import { makeBucket } from '../s3/servers.ts'
import { type Kubectl, runHelm } from './kubectl.ts'
import { S3_IMAGE } from './node-images.ts'

const root = join(import.meta.dirname, '../..')

export const NAMESPACE = 'kafka'
export const RELEASE = 'kafscale'
/** As the samples name them. */
const BUCKET = 'my-records'
const KEYS = 'my-bucket-keys'

const S3_PORT = 7070
const S3_NODE_PORT = 30_070
/** Where clients outside of the Kubernetes cluster connect, on the node. */
export const KAFKA_NODE_PORT = 30_094
const REGION = 'us-east-1'
const credentials = { accessKey: 'kafscale', secretKey: 'kafscale-secret' }
const nextCredentials = { accessKey: 'kafscale-next', secretKey: 'kafscale-next-secret' }

export interface Place {
  readonly kubectl: Kubectl
  readonly helm: string
  /** Of a node. */
  readonly address: string
}

/** The namespace, which takes only restricted pods, and in it an S3 server with the bucket and a Secret with its keys. */
export async function prepareNamespace({ kubectl, address }: Place, image = S3_IMAGE): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }])
  await kubectl.apply([keys(credentials), ...s3Server(image)])
  await kubectl.run(['-n', NAMESPACE, 'rollout', 'status', 'deploy/s3', '--timeout=120s'])
  const endpoint = `http://${address}:${S3_NODE_PORT}`
  for (let tries = 0; !(await makeBucket(endpoint, credentials, BUCKET)); tries++) {
    if (tries === 300) throw new Error(`the S3 server does not answer at ${endpoint}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

const keys = ({ accessKey, secretKey }: typeof credentials): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: KEYS, namespace: NAMESPACE },
  stringData: { KAFSCALE_S3_ACCESS_KEY: accessKey, KAFSCALE_S3_SECRET_KEY: secretKey },
})

/** The S3 server gets another account, and the Secret its keys. */
export async function rotateKeys({ kubectl, address }: Place, versitygw: string): Promise<void> {
  const admin = ['--access', credentials.accessKey, '--secret', credentials.secretKey]
  const place = ['--endpoint-url', `http://${address}:${S3_NODE_PORT}`]
  const account = ['--access', nextCredentials.accessKey, '--secret', nextCredentials.secretKey, '--role', 'admin']
  const { code, stdout, stderr } = await run(versitygw, ['admin', ...admin, ...place, 'create-user', ...account])
  if (code !== 0) throw new Error(`the S3 server did not make another account: ${stdout}${stderr}`)
  await kubectl.apply([keys(nextCredentials)])
}

/** In memory: it is gone with its pod. */
function s3Server(image: string): object[] {
  const metadata = { name: 's3', namespace: NAMESPACE }
  const labels = { app: 's3' }
  const key = (name: string) => ({ valueFrom: { secretKeyRef: { name: KEYS, key: name } } })
  const container = {
    name: 's3',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['--port', `:${S3_PORT}`, '--region', REGION, '--iam-dir', '/accounts', '--quiet', 'posix', '/data'],
    env: [
      { name: 'ROOT_ACCESS_KEY', ...key('KAFSCALE_S3_ACCESS_KEY') },
      { name: 'ROOT_SECRET_KEY', ...key('KAFSCALE_S3_SECRET_KEY') },
    ],
    ports: [{ containerPort: S3_PORT }],
    readinessProbe: { tcpSocket: { port: S3_PORT }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'accounts', mountPath: '/accounts' },
    ],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  }
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 1,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65_532,
              fsGroup: 65_532,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [container],
            volumes: [
              { name: 'data', emptyDir: {} },
              { name: 'accounts', emptyDir: {} },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'NodePort', selector: labels, ports: [{ port: S3_PORT, nodePort: S3_NODE_PORT }] },
    },
  ]
}

/** `helm install` or `helm upgrade` of the chart, until its pods are ready. */
export function helmRelease(
  { kubectl, helm }: Place,
  verb: 'install' | 'upgrade',
  values: readonly string[] = [],
): Promise<string> {
  const set = values.flatMap(value => ['--set', value])
  const chart = join(root, 'charts/kafscale')
  return runHelm(helm, kubectl.kubeconfig, [
    ...[verb, RELEASE, chart, '-n', NAMESPACE, '--wait', '--timeout', '120s'],
    ...set,
  ])
}

async function sample(file: string): Promise<Manifest> {
  return manifestSchema.parse(parse(await readFile(join(root, 'config/samples', file), 'utf8')))
}

const specOf = ({ spec }: Manifest): object => (typeof spec === 'object' && spec !== null ? spec : {})

/** The cluster of config/samples, with the S3 server, an etcd of its own, and a listener on the node. */
export async function sampleCluster(replicas: number): Promise<Manifest> {
  const cluster = await sample('cluster.yaml')
  return {
    ...cluster,
    metadata: { ...cluster.metadata, namespace: NAMESPACE },
    spec: {
      ...specOf(cluster),
      brokers: {
        replicas,
        resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '1Gi' } },
        // When the namespace goes, the bucket goes before the brokers, who would try for long to tell it of their end.
        drain: { timeoutSeconds: 10 },
      },
      s3: {
        bucket: BUCKET,
        region: REGION,
        endpoint: `http://s3.${NAMESPACE}.svc.cluster.local:${S3_PORT}`,
        credentialsSecretRef: KEYS,
      },
      etcd: { managed: { replicas: 1 } },
      listeners: [
        { name: 'internal', port: 9092 },
        { name: 'outside', port: 9094, type: 'nodePort', nodePort: KAFKA_NODE_PORT },
      ],
    },
  }
}

/** The topic of config/samples. */
export async function sampleTopic(): Promise<Manifest> {
  const topic = await sample('topic.yaml')
  return { ...topic, metadata: { ...topic.metadata, namespace: NAMESPACE } }
}
