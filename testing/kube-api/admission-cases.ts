// What the API server must take and must refuse, with the sentence that the user reads. The tests against a real API server
// run every case; nothing of the product imports this.

export interface AdmissionCase {
  readonly name: string
  readonly kind: 'KafScaleCluster' | 'KafScaleTopic' | 'KafScaleUser'
  readonly spec: object
  /** The spec that is stored already; absent for a create. */
  readonly old?: object
  /** Name of the object; `demo` by default. */
  readonly objectName?: string
  /** What the refusal must say. Absent: it is taken. */
  readonly refusal?: RegExp
}

const s3 = { bucket: 'records', region: 'eu-central-1' }

const cluster = (name: string, spec: object, refusal?: RegExp): AdmissionCase => {
  return { name, kind: 'KafScaleCluster', spec: { s3, ...spec }, ...(refusal === undefined ? {} : { refusal }) }
}

const clusterChange = (name: string, old: object, spec: object, refusal?: RegExp): AdmissionCase => {
  return { ...cluster(name, spec, refusal), old: { s3, ...old } }
}

const topic = (name: string, spec: object, refusal?: RegExp): AdmissionCase => {
  const whole = { clusterRef: 'demo', partitions: 3, ...spec }
  return { name, kind: 'KafScaleTopic', spec: whole, ...(refusal === undefined ? {} : { refusal }) }
}

const topicChange = (name: string, old: object, spec: object, refusal?: RegExp): AdmissionCase => {
  return { ...topic(name, spec, refusal), old: { clusterRef: 'demo', partitions: 3, ...old } }
}

const user = (name: string, spec: object, refusal?: RegExp): AdmissionCase => {
  const whole = { clusterRef: 'demo', authentication: { type: 'scram-sha-512' }, ...spec }
  return { name, kind: 'KafScaleUser', spec: whole, ...(refusal === undefined ? {} : { refusal }) }
}

const userChange = (name: string, old: object, spec: object, refusal?: RegExp): AdmissionCase => {
  return { ...user(name, spec, refusal), old: { clusterRef: 'demo', ...old } }
}

/** A user with one rule. */
const rule = (resource: object, operations: readonly string[] = ['Read'], more: object = {}): object => ({
  authorization: { acls: [{ resource, operations, ...more }] },
})

const managed = (more: object): object => ({ etcd: { managed: more } })

const listener = (more: object = {}): object => ({ name: 'external', port: 9094, ...more })

const who = (authentication: object, more: object = {}): object => listener({ authentication, ...more })

export const ADMISSION_CASES: readonly AdmissionCase[] = [
  cluster('the least', {}),
  cluster('an endpoint in place of a region', { s3: { bucket: 'records', endpoint: 'http://minio:9000' } }),
  cluster('neither region nor endpoint', { s3: { bucket: 'records' } }, /s3\.region is missing/),
  cluster('no bucket', { s3: { region: 'a' } }, /spec\.s3\.bucket: Required/),
  cluster('a bucket that cannot be', { s3: { bucket: 'Records_1', region: 'a' } }, /spec\.s3\.bucket/),
  cluster(
    'credentials and an account',
    { s3: { ...s3, credentialsSecretRef: 'a', serviceAccount: { annotations: { a: 'b' } } } },
    /exclude each other/,
  ),
  cluster('both ways to name a key', { s3: { ...s3, kmsKeyArn: 'a', encryption: { kmsKeyArn: 'b' } } }, /short form/),
  cluster(
    'both ways to name a replica',
    { s3: { ...s3, readBucket: 'abc', readReplica: { bucket: 'abc' } } },
    /short form/,
  ),
  cluster('a region of no replica', { s3: { ...s3, readRegion: 'x' } }, /s3\.readBucket is missing/),
  cluster('the replica of the original', { s3: { ...s3, readBucket: 'abc', readRegion: 'x' } }),

  cluster('a setting of the brokers', { brokers: { config: { windowBytes: 1_048_576, autoCreateTopics: 'false' } } }),
  cluster('a setting that does not exist', { brokers: { config: { windowByte: 1 } } }, /use only .*windowBytes/),
  cluster('a setting of the operator', { brokers: { config: { etcdEndpoints: 'x' } } }, /sets from another field/),
  cluster('no brokers', { brokers: { replicas: 0 } }, /spec\.brokers\.replicas/),
  cluster('a rollout that cannot move', { brokers: { rollout: { maxSurge: 0 } } }, /cannot replace any broker/),
  cluster('the same in percent', { brokers: { rollout: { maxSurge: '0%', maxUnavailable: '0%' } } }, /cannot replace/),
  cluster('a rollout without surge', { brokers: { rollout: { maxSurge: 0, maxUnavailable: 1 } } }),
  cluster('a share that is none', { brokers: { rollout: { maxSurge: '101%' } } }, /maxSurge/),
  cluster('amounts', { brokers: { resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: 2 } } } }),
  cluster('an amount that is none', { brokers: { resources: { requests: { cpu: 'lots' } } } }, /should match/),
  cluster('a pod template', {
    brokers: { podTemplate: { spec: { tolerations: [{ key: 'spot' }], nodeSelector: {} } } },
  }),

  cluster('an etcd of its own', { etcd: { endpoints: ['http://etcd:2379'] } }),
  cluster('two kinds of etcd', { etcd: { endpoints: ['http://etcd:2379'], managed: {} } }, /exclude each other/),
  cluster('a Secret for no etcd', { etcd: { secretRef: 'a' } }, /set etcd\.endpoints too/),
  cluster('an even number of members', { etcd: { managed: { replicas: 2 } } }, /must be odd/),
  cluster('five members', { etcd: { managed: { replicas: 5, storage: { memory: true } } } }),
  clusterChange('to an etcd of its own', {}, { etcd: { endpoints: ['http://e:2379'] } }, /make a new cluster/),
  clusterChange('other endpoints', { etcd: { endpoints: ['http://a:1'] } }, { etcd: { endpoints: ['http://b:1'] } }),
  clusterChange(
    'to memory',
    { etcd: { managed: {} } },
    { etcd: { managed: { storage: { memory: true } } } },
    /be lost/,
  ),

  cluster('Auto without a limit', { scaling: { mode: 'Auto' } }, /scaling\.max is missing/),
  cluster('Auto', { scaling: { mode: 'Auto', max: 9 } }),
  cluster('a minimum above the maximum', { scaling: { mode: 'Auto', min: 5, max: 3 } }, /lower min or raise max/),
  cluster('a mode that does not exist', { scaling: { mode: 'Magic' } }, /Unsupported value/),
  cluster('no policies', { scaling: { behavior: { scaleUp: { policies: [] } } } }, /policies/),

  cluster('listeners', { listeners: [listener(), { name: 'internal', port: 9092 }] }),
  cluster('two listeners of a port', { listeners: [listener(), listener({ name: 'b' })] }, /same port/),
  cluster('two listeners of a name', { listeners: [listener(), listener({ port: 9095 })] }, /Duplicate/),
  cluster('the port of metrics', { listeners: [listener({ port: 19_093 })] }, /port 19093/),
  cluster('a listener and its short form', { listeners: [listener()], brokers: { service: {} } }, /not both/),
  cluster('the short form', { brokers: { service: { type: 'NodePort', kafkaNodePort: 30_092 } } }),
  cluster('a load balancer that is none', { listeners: [listener({ loadBalancerIP: '10.0.0.1' })] }, /need type/),
  cluster('a node port inside', { listeners: [listener({ nodePort: 30_000 })] }, /nodePort and externalTrafficPolicy/),
  cluster(
    'one address for several',
    { listeners: [listener({ type: 'nodePort', mode: 'perBroker', nodePort: 30_000 })] },
    /set mode: shared/,
  ),
  cluster('TLS from nowhere', { listeners: [listener({ tls: {} })] }, /exactly one of/),
  cluster('TLS', { listeners: [listener({ tls: { issuerRef: { name: 'ca' } } })] }),
  cluster('TLS of the operator', {
    listeners: [listener({ tls: { selfSigned: true, names: ['*.example.com', '::1'] } })],
  }),
  cluster(
    'names for a certificate that is there',
    { listeners: [listener({ tls: { secretRef: 'a', names: ['a.example'] } })] },
    /tls\.names is for/,
  ),
  cluster('users from nowhere', { listeners: [who({ type: 'plain' })] }, /secretRef is missing/),
  cluster('users from a Secret', { listeners: [who({ type: 'plain', secretRef: 'users' })] }),
  cluster(
    'a Secret for users of the ledger',
    { listeners: [who({ type: 'scram-sha-512', secretRef: 'a' })] },
    /plain and tls/,
  ),
  cluster('tokens from nowhere', { listeners: [who({ type: 'oauth' })] }, /goes with the type oauth/),
  cluster('tokens', {
    listeners: [who({ type: 'oauth', oauth: { jwksUrl: 'https://id.example/keys', audience: ['kafka'] } })],
  }),
  cluster(
    'rules for no certificate',
    { listeners: [who({ type: 'none', principalMappingRules: 'DEFAULT' })] },
    /for the type tls/,
  ),
  cluster(
    'a session without login',
    { listeners: [who({ type: 'none', maxReauthSeconds: 60 })] },
    /passwords or tokens/,
  ),
  cluster('certificates of clients without TLS', { listeners: [who({ type: 'tls' })] }, /needs certificates/),
  cluster('certificates of clients', { listeners: [who({ type: 'tls' }, { tls: { selfSigned: true } })] }),
  cluster('security in one field', { security: { enabled: true } }),
  cluster('security, and certificates of clients', { security: { enabled: true }, listeners: [who({ type: 'tls' })] }),
  cluster('rights', { authorization: { type: 'acl', superUsers: ['User:root'], allowEveryoneIfNoAclFound: true } }),
  cluster('a super user that is none', { authorization: { superUsers: ['root'] } }, /superUsers/),
  cluster('super users of nothing', { authorization: { type: 'none', superUsers: ['User:a'] } }, /means nothing/),
  cluster('the port of the brokers', { listeners: [listener({ port: 19_091 })] }, /are taken/),
  cluster('the name of the operator', { listeners: [listener({ name: 'operator' })] }, /are taken/),
  cluster('a console', { console: {} }),
  cluster('a console of a listener', {
    console: { listener: 'external', hostNames: ['kafka.example'], allowFrom: [{ podLabels: { app: 'ingress' } }] },
    listeners: [who({ type: 'plain', secretRef: 'users' })],
  }),
  cluster('a console of the short form', { console: { listener: 'kafka' }, brokers: { service: {} } }),
  cluster(
    'a console of no listener',
    { console: { listener: 'other' }, listeners: [listener()] },
    /none of the listen/,
  ),
  cluster('a console of no listener, and none is named', { console: { listener: 'other' } }, /none of the listeners/),
  cluster(
    'a console where people have certificates',
    { console: {}, listeners: [who({ type: 'tls' }, { tls: { selfSigned: true } })] },
    /neither tls nor oauth/,
  ),
  cluster(
    'a console where others have passwords',
    {
      console: { listener: 'external' },
      listeners: [who({ type: 'tls' }, { tls: { selfSigned: true } }), { name: 'inside', port: 9092 }],
    },
    /neither tls nor oauth/,
  ),
  cluster('who reads metrics', {
    networkPolicy: { enabled: true, metricsFrom: [{ podLabels: { app: 'prometheus' } }] },
  }),
  cluster('nobody', { listeners: [listener({ allowFrom: [{}] })] }, /allowFrom needs/),
  cluster('somebody', { listeners: [listener({ allowFrom: [{ cidr: '10.0.0.0/8' }, { podLabels: { a: 'b' } }] })] }),

  clusterChange('to another bucket', {}, { s3: { ...s3, bucket: 'others' } }, /copy the topics/),
  clusterChange('to another prefix', {}, { s3: { ...s3, prefix: 'p' } }, /copy the topics/),
  clusterChange('more brokers', {}, { brokers: { replicas: 9 } }),
  clusterChange('more members of etcd', managed({ replicas: 1 }), managed({ replicas: 3 })),
  clusterChange('fewer members of etcd', managed({ replicas: 3 }), managed({ replicas: 1 }), /etcd\.managed\.replicas/),
  clusterChange('etcd without TLS', managed({ tls: true }), managed({ tls: false }), /etcd\.managed\.tls/),
  { ...cluster('a long name', {}, /at most 40/), objectName: 'a'.repeat(41) },
  { ...cluster('a name with a dot', {}, /at most 40/), objectName: 'a.b' },

  user('the least', {}),
  user('no credentials', { authentication: undefined, userName: 'CN=alice,O=Example' }),
  user('credentials for a name that no login can have', { userName: 'CN=alice' }, /letters, digits/),
  user(
    'the name of a broker',
    { authentication: undefined, userName: 'CN=system:kafscale-broker' },
    /must not begin with system/,
  ),
  user('everybody', { authentication: undefined, userName: '*' }, /userName/),
  user('a certificate', { authentication: { type: 'tls' }, secretName: 'alice-tls', listener: 'mtls' }),
  user(
    'a password for a certificate',
    { authentication: { type: 'tls', passwordSecretRef: { name: 'a' } } },
    /is for passwords/,
  ),
  user('a password that is there', {
    authentication: { type: 'scram-sha-256', passwordSecretRef: { name: 'a', key: 'p' } },
  }),
  user('a Secret for nobody', { authentication: undefined, secretName: 'a' }, /secretName is for/),
  user(
    'rules',
    rule({ type: 'topic', name: 'orders', patternType: 'prefix' }, ['Read', 'Write'], { host: '10.0.0.0/8' }),
  ),
  user('a rule for the cluster', rule({ type: 'cluster' }, ['Describe'], { type: 'deny' })),
  user('a rule for nothing', rule({ type: 'topic' }), /resource\.name is needed/),
  user(
    'a rule for a part of the cluster',
    rule({ type: 'cluster', patternType: 'prefix' }, ['Create']),
    /patternType prefix/,
  ),
  user('a rule without operations', rule({ type: 'topic', name: 'a' }, []), /operations/),
  user('writing to a group', rule({ type: 'group', name: 'a' }, ['Write']), /type group are/),
  user('reading the cluster', rule({ type: 'cluster' }, ['Read']), /type cluster are/),
  user('altering a transaction', rule({ type: 'transactionalId', name: 'a' }, ['Alter']), /type transactionalId are/),
  user('acting as the cluster on a topic', rule({ type: 'topic', name: 'a' }, ['ClusterAction']), /type topic are/),
  user('quotas', { quotas: { producerByteRate: 1_048_576, requestPercentage: 12.5 } }),
  user('a quota of nothing', { quotas: { consumerByteRate: 0 } }, /consumerByteRate/),
  userChange('to another cluster', {}, { clusterRef: 'other' }, /clusterRef cannot change/),
  userChange('to another name', {}, { userName: 'bob' }, /userName cannot change/),
  userChange('another kind', { authentication: { type: 'tls' } }, {}),
  { ...user('a long name', {}, /at most 64/), objectName: 'a'.repeat(65) },

  topic('the least', {}),
  topic('a name that no object can have', { topicName: 'Orders_v2.x' }),
  topic('a name that no topic can have', { topicName: 'a b' }, /topicName/),
  topic('a name of dots', { topicName: '..' }, /must not be \. or \.\./),
  topic('no partitions', { partitions: 0 }, /spec\.partitions/),
  topic('settings', { config: { 'retention.ms': 1000, 'cleanup.policy': 'compact, delete', preallocate: 'true' } }),
  topic('a setting that does not exist', { config: { 'retention.hours': 1 } }, /no setting of a topic/),
  topic('a number that is none', { config: { 'retention.ms': '7d' } }, /must be whole numbers/),
  topic('a policy that is none', { config: { 'cleanup.policy': 'keep' } }, /cleanup\.policy must be/),
  topic('a codec that is none', { config: { 'compression.type': 'lzma' } }, /compression\.type must be one of/),
  topic('a truth that is none', { config: { preallocate: 'yes' } }, /preallocate must be one of/),
  topic('one setting twice', { retentionMs: 1, config: { 'retention.ms': 1 } }, /same setting/),
  topic('the same of bytes', { retentionBytes: 1, config: { 'retention.bytes': 1 } }, /same setting/),
  topic('retention for ever', { retentionMs: -1, retentionBytes: -1 }),
  topicChange('more partitions', {}, { partitions: 6 }),
  topicChange('fewer partitions', {}, { partitions: 2 }, /cannot become fewer/),
  topicChange('to another cluster', {}, { clusterRef: 'other' }, /clusterRef cannot change/),
  topicChange('to another name', { topicName: 'a' }, { topicName: 'b' }, /topicName cannot change/),
  topicChange('to a name of its own', {}, { topicName: 'Demo' }, /topicName cannot change/),
  topicChange('from a name of its own', { topicName: 'Demo' }, {}, /topicName cannot change/),
  topicChange('to its own name, spelled out', {}, { topicName: 'demo' }),
]
