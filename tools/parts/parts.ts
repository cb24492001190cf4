// The real programs and libraries that suites need, each at a pinned version, installed on first use.
//
// Every function answers where the part is or throws PartUnavailable with a one-line reason. Calling again is quick.
// Use `available(parts.x())` in a suite that may be left out.

import { debianProgram, onPath } from './debian.ts'
import { etcd, etcdPresent } from './etcd.ts'
import { helm, helmPresent } from './helm.ts'
import { jars, jarsPresent, jdk } from './java.ts'
import {
  containerRuntime,
  containerRuntimePresent,
  coredns,
  corednsPresent,
  kubernetes,
  kubernetesPresent,
  pause,
  pausePresent,
} from './kubernetes.ts'
import { python, pythonPresent } from './python.ts'
import { moto, motoPresent, s3rver, s3rverPresent, versitygw, versitygwPresent } from './s3-servers.ts'

export { type EtcdPrograms, etcd } from './etcd.ts'
export { helm } from './helm.ts'
export { compiled, type Jdk, jdk, maven } from './java.ts'
export {
  type ContainerRuntime,
  containerRuntime,
  coredns,
  type KubernetesPrograms,
  kubernetes,
  pause,
} from './kubernetes.ts'
export { type Python, python } from './python.ts'
export { moto, s3rver, versitygw } from './s3-servers.ts'
export { type Available, available, PartUnavailable } from './unavailable.ts'

export type KafkaVersion = '4.3.1'
export type ClientsVersion = '4.4.0' | '4.3.1' | '3.9.2'

/** Folder of jars: Apache Kafka's broker and command line tools, with a logger. Class path: `FOLDER/*`. */
export function kafka(version: KafkaVersion): Promise<string> {
  return jars(`kafka-${version}`)
}

/** Folder of jars: `kafka-clients` of that version, a logger that writes to stderr, and jackson-databind. */
export function clients(version: ClientsVersion): Promise<string> {
  return jars(`clients-${version}`)
}

/** Folder of jars: MirrorMaker 2, which copies topics and groups from one Kafka cluster to another. */
export function mirrorMaker(version: KafkaVersion): Promise<string> {
  return jars(`mirror-${version}`)
}

/** Folder of jars: Flink SQL with Kafka tables, in one process. */
export function flinkSql(): Promise<string> {
  return jars('flink-sql-2.2.1')
}

/** Path of kcat (librdkafka's command line client). */
export function kcat(): Promise<string> {
  return debianProgram('kcat')
}

export interface PrometheusPrograms {
  readonly prometheus: string
  readonly promtool: string
}

/** Prometheus and what checks its rules, from Debian. */
export async function prometheus(): Promise<PrometheusPrograms> {
  return { prometheus: await debianProgram('prometheus'), promtool: await debianProgram('promtool', 'prometheus') }
}

/** Path of the Lua interpreter, as Argo CD's health checks are written for. */
export function lua(): Promise<string> {
  return debianProgram('lua5.4')
}

export interface ListedPart {
  name: string
  about: string
  present(): Promise<boolean>
  get(): Promise<string>
}

/** All parts by name, for the command line. */
export const PARTS: ListedPart[] = [
  { name: 'jdk', about: 'a JDK on this machine', present: jdkPresent, get: async () => (await jdk()).java },
  jarSet('kafka-4.3.1', 'Apache Kafka broker and tools'),
  jarSet('clients-4.4.0', 'Java client, newest'),
  jarSet('clients-4.3.1', 'Java client of the referee release'),
  jarSet('clients-3.9.2', 'Java client, last of 3.x'),
  jarSet('flink-sql-2.2.1', 'Flink SQL with Kafka tables'),
  { name: 'kcat', about: 'librdkafka from Debian', present: async () => onPath('kcat') !== undefined, get: kcat },
  {
    name: 'python',
    about: 'confluent-kafka and aiokafka',
    present: pythonPresent,
    get: async () => (await python()).packages,
  },
  { name: 'lua', about: 'Lua from Debian', present: async () => onPath('lua5.4') !== undefined, get: lua },
  {
    name: 'prometheus',
    about: 'Prometheus from Debian',
    present: async () => onPath('promtool') !== undefined,
    get: async () => (await prometheus()).prometheus,
  },
  { name: 'versitygw', about: 'S3 server, strict about conditional writes', present: versitygwPresent, get: versitygw },
  { name: 'moto', about: 'S3 server in Python', present: motoPresent, get: async () => (await moto()).packages },
  { name: 's3rver', about: 'S3 server without conditional writes', present: s3rverPresent, get: s3rver },
  { name: 'helm', about: 'renders and installs the chart', present: helmPresent, get: helm },
  {
    name: 'etcd',
    about: 'etcd, etcdctl and etcdutl',
    present: async () => etcdPresent(),
    get: async () => (await etcd()).etcd,
  },
  {
    name: 'kubernetes',
    about: 'API server, controllers, scheduler, kubelet, proxy, kubectl',
    present: async () => kubernetesPresent(),
    get: async () => (await kubernetes()).kubectl,
  },
  {
    name: 'containerd',
    about: 'containers and their network on a node, from Debian',
    present: async () => containerRuntimePresent(),
    get: async () => (await containerRuntime()).containerd,
  },
  { name: 'coredns', about: 'DNS of a Kubernetes', present: async () => corednsPresent(), get: coredns },
  { name: 'pause', about: 'first process of a pod', present: async () => pausePresent(), get: pause },
]

function jarSet(name: string, about: string): ListedPart {
  return { name, about, present: () => jarsPresent(name), get: () => jars(name) }
}

async function jdkPresent(): Promise<boolean> {
  return jdk().then(
    () => true,
    () => false,
  )
}
