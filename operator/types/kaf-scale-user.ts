// KafScaleUser: somebody who uses a KafScaleCluster of the same namespace: how they say who they are, what they may do and how
// much. This schema is the only source of the TypeScript types, of crds/kafscaleusers.yaml and of the chart's copy.

import { z } from 'zod'
import { objectMetaSchema } from '../runtime/object.ts'
import { celList } from './brokers.ts'
import { conditions } from './condition.ts'
import { AGE_COLUMN, GROUP, type Kind, READY_COLUMN, REASON_COLUMN, VERSION } from './kind.ts'
import { dnsLabel, list, objectName, text, time, withRules } from './schema.ts'

/** What can be done with a resource at all (Kafka's AclEntry.supportedOperations). */
const OPERATIONS = {
  topic: ['All', 'Read', 'Write', 'Create', 'Describe', 'Delete', 'Alter', 'DescribeConfigs', 'AlterConfigs'],
  group: ['All', 'Read', 'Describe', 'Delete', 'DescribeConfigs', 'AlterConfigs'],
  cluster: [
    'All',
    'Create',
    'ClusterAction',
    'DescribeConfigs',
    'AlterConfigs',
    'IdempotentWrite',
    'Alter',
    'Describe',
  ],
  transactionalId: ['All', 'Describe', 'Write'],
} as const

export const ACL_OPERATIONS = [
  'All',
  'Read',
  'Write',
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'ClusterAction',
  'DescribeConfigs',
  'AlterConfigs',
  'IdempotentWrite',
] as const

const authentication = withRules(
  z.object({
    type: z
      .enum(['scram-sha-512', 'scram-sha-256', 'tls'])
      .describe('How the user says who it is: a password that the brokers never see, or a certificate.'),
    passwordSecretRef: z
      .object({
        name: objectName().describe('Name of the Secret.'),
        key: text(253).default('password').describe('Key in it.'),
      })
      .optional()
      .describe('Where the password is; by default one is made.'),
  }),
  {
    rule: "self.type != 'tls' || !has(self.passwordSecretRef)",
    message: 'authentication.passwordSecretRef is for passwords: remove it, or choose a type of scram',
  },
)

const resource = withRules(
  z.object({
    type: z.enum(['topic', 'group', 'cluster', 'transactionalId']).describe('Kind of it.'),
    name: text(249).optional().describe('Name of it, or * for all.'),
    patternType: z
      .enum(['literal', 'prefix'])
      .default('literal')
      .describe('prefix: the name is what names begin with.'),
  }),
  {
    rule: "(self.type == 'cluster') != has(self.name)",
    message: 'resource.name is needed for topic, group and transactionalId; a cluster has none',
  },
  {
    rule: "self.patternType == 'literal' || self.type != 'cluster'",
    message: 'resource.patternType prefix needs a name: a cluster has none',
  },
)

const acl = withRules(
  z.object({
    resource: resource.describe('What it is about.'),
    operations: z
      .array(z.enum(ACL_OPERATIONS))
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('What may be done with it.'),
    host: text(100).default('*').describe('From where: an address, a network such as 10.0.0.0/8, or * for everywhere.'),
    type: z.enum(['allow', 'deny']).default('allow').describe('deny wins over allow.'),
  }),
  ...Object.entries(OPERATIONS).map(([type, operations]) => ({
    rule: `self.resource.type != '${type}' || self.operations.all(operation, operation in ${celList(operations)})`,
    message: `operations of a resource of type ${type} are ${operations.join(', ')}`,
  })),
)

const rate = () => z.number().positive().max(1_000_000_000_000)

const quotas = z.object({
  producerByteRate: rate().optional().describe('Bytes that it may write, per second and broker.'),
  consumerByteRate: rate().optional().describe('Bytes that it may read, per second and broker.'),
  requestPercentage: rate().optional().describe('Share of the time of a processor that it may take, in percent.'),
  controllerMutationRate: rate().optional().describe('Partitions that it may create or delete, per second.'),
})

const NAME = '^[A-Za-z0-9._@-]+$'

export const userSpecSchema = withRules(
  z.object({
    clusterRef: withRules(dnsLabel(40), {
      rule: 'self == oldSelf',
      message: 'clusterRef cannot change: make a KafScaleUser of another name for the other cluster',
    }).describe('Name of the KafScaleCluster, in the same namespace.'),
    userName: withRules(
      z
        .string()
        .min(1)
        .max(249)
        .regex(/^[^*;\s][^;]*$/),
      {
        rule: "!self.startsWith('CN=system:') && !self.startsWith('system:')",
        message: 'userName must not begin with system: the brokers and the operator are called so',
      },
    )
      .optional()
      .describe('Name in Kafka, behind User: in ACLs; by default that of this object. It cannot change.'),
    authentication: authentication
      .optional()
      .describe('How the user says who it is; without it somebody else sees to that, as with tokens.'),
    authorization: z
      .object({ acls: list(acl, 256).describe('Rules; others that somebody makes for the user are removed.') })
      .optional()
      .describe('What it may do; without it nothing.'),
    quotas: quotas.optional().describe('How much it may do; without it as much as everybody.'),
    listener: dnsLabel(11)
      .optional()
      .describe('Listener whose address is in the Secret; by default the first that takes users of this kind.'),
    secretName: objectName().optional().describe('Secret with what clients need; by default named as this object.'),
  }),
  {
    rule: `!has(self.authentication) || !has(self.userName) || self.userName.matches('${NAME}')`,
    message: 'userName must consist of letters, digits and . _ @ - when the operator makes the credentials',
  },
  {
    rule: '!has(self.secretName) || has(self.authentication)',
    message: 'secretName is for a user whose credentials the operator makes: set authentication, or remove it',
  },
)

export const userStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that all this is of.'),
  phase: text(64).optional().describe('The reason of the condition Ready.'),
  conditions: conditions().optional(),
  principal: text(300).optional().describe('Name in ACLs, with User: before it.'),
  secret: text(253).optional().describe('Secret with what clients need.'),
  listener: text(63).optional().describe('Listener that the Secret is for.'),
  bootstrapServers: text(2000).optional().describe('Where clients connect.'),
  certificateExpires: time().optional().describe('When its certificate ends; another one is made in time.'),
})

export const userSchema = z.object({
  apiVersion: z.literal(`${GROUP}/${VERSION}`),
  kind: z.literal('KafScaleUser'),
  metadata: objectMetaSchema,
  spec: userSpecSchema,
  status: userStatusSchema.optional(),
})

/** With all defaults, as parsed by `userSchema`. */
export type KafScaleUser = z.output<typeof userSchema>
export type UserSpec = z.output<typeof userSpecSchema>
export type UserStatus = z.output<typeof userStatusSchema>
export type AclSpec = z.output<typeof acl>

type Named = Pick<KafScaleUser, 'metadata' | 'spec'>

/** The user that is meant: `spec.userName`, or the name of the object. */
export const userNameOf = ({ metadata, spec }: Named): string => spec.userName ?? metadata.name

/** The Secret with what clients need; undefined when the operator makes no credentials. */
export const secretNameOf = ({ metadata, spec }: Named): string | undefined =>
  spec.authentication === undefined ? undefined : (spec.secretName ?? metadata.name)

const named = (self: string): string => `(has(${self}.spec.userName) ? ${self}.spec.userName : ${self}.metadata.name)`

export const USER: Kind = {
  group: GROUP,
  version: VERSION,
  kind: 'KafScaleUser',
  plural: 'kafscaleusers',
  singular: 'kafscaleuser',
  shortNames: ['ksu'],
  namespaced: true,
  description: 'Somebody who uses a KafScaleCluster of the same namespace: credentials, rights and quotas.',
  spec: userSpecSchema,
  status: userStatusSchema,
  rules: [
    {
      rule: `${named('self')} == ${named('oldSelf')}`,
      message: 'userName cannot change: make a KafScaleUser of another name',
    },
    {
      rule: `!has(self.spec.authentication) || ${named('self')}.size() <= 64`,
      message: 'the name is too long for a certificate or a login: set userName, of at most 64 characters',
    },
  ],
  selectable: ['.spec.clusterRef', '.spec.userName'],
  columns: [
    { name: 'Cluster', path: '.spec.clusterRef', type: 'string', description: 'The KafScaleCluster.' },
    {
      name: 'Authentication',
      path: '.spec.authentication.type',
      type: 'string',
      description: 'How it says who it is.',
    },
    READY_COLUMN,
    REASON_COLUMN,
    { name: 'Principal', path: '.status.principal', type: 'string', description: 'Name in ACLs.', wide: true },
    { name: 'Secret', path: '.status.secret', type: 'string', description: 'What clients need.', wide: true },
    AGE_COLUMN,
  ],
}
