/**
 * How each listener is secured, as the setting KAFSCALE_LISTENER_SECURITY says: a mapping from listener names, written in
 * YAML (or JSON) in the environment and as it is in a settings file. A listener that is not named has its protocol in its
 * name, as Kafka's default `listener.security.protocol.map` has it; any other name is PLAINTEXT.
 */
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { MECHANISMS } from './sasl.ts'
import { principalMapping } from './ssl-principal.ts'

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const

export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number]

const path = z.string().min(1)

const oauth = z.strictObject({
  /** `sasl.oauthbearer.jwks.endpoint.url` */
  jwksUrl: z.url({ protocol: /^https?$/, error: 'must be a URL, http://... or https://...' }),
  /** `sasl.oauthbearer.expected.issuer` */
  issuer: z.string().min(1).optional(),
  /** `sasl.oauthbearer.expected.audience` */
  audience: z.array(z.string().min(1)).min(1).optional(),
  /** `sasl.oauthbearer.sub.claim.name` */
  principalClaim: z.string().min(1).default('sub'),
  /** `sasl.oauthbearer.clock.skew.seconds` */
  clockSkewSeconds: z.number().int().min(0).max(3600).default(30),
})

const listener = z.strictObject({
  protocol: z.enum(SECURITY_PROTOCOLS),
  certFile: path.optional(),
  keyFile: path.optional(),
  /** Certificates of those who sign the certificates of clients. */
  clientCaFile: path.optional(),
  /** `ssl.client.auth` */
  clientAuth: z.enum(['none', 'requested', 'required']).default('none'),
  /** `ssl.principal.mapping.rules` */
  principalMappingRules: z
    .string()
    .default('DEFAULT')
    .superRefine((rules, context) => {
      try {
        principalMapping(rules)
      } catch (cause) {
        context.addIssue({ code: 'custom', message: cause instanceof Error ? cause.message : String(cause) })
      }
    }),
  /** `sasl.enabled.mechanisms` */
  mechanisms: z.array(z.enum(MECHANISMS)).min(1).optional(),
  /** For PLAIN: a YAML file with the password of each user. It is read again when it changes. */
  usersFile: path.optional(),
  oauth: oauth.optional(),
  /** `connections.max.reauth.ms`; 0 for no limit. */
  maxReauthMs: z.number().int().min(0).default(0),
})

export type ListenerSecurity = Readonly<z.output<typeof listener>>

export const usesTls = ({ protocol }: ListenerSecurity): boolean => protocol === 'SSL' || protocol === 'SASL_SSL'
export const usesSasl = ({ protocol }: ListenerSecurity): boolean => protocol.startsWith('SASL_')

/** Keys that must be there when `needed`, and must not otherwise. */
const RULES: readonly {
  readonly key: 'certFile' | 'keyFile' | 'clientCaFile' | 'mechanisms' | 'usersFile' | 'oauth'
  readonly needed: (security: ListenerSecurity) => boolean
  readonly reason: string
}[] = [
  { key: 'certFile', needed: usesTls, reason: 'the protocols SSL and SASL_SSL' },
  { key: 'keyFile', needed: usesTls, reason: 'the protocols SSL and SASL_SSL' },
  { key: 'clientCaFile', needed: ({ clientAuth }) => clientAuth !== 'none', reason: 'clientAuth' },
  { key: 'mechanisms', needed: usesSasl, reason: 'the protocols SASL_PLAINTEXT and SASL_SSL' },
  { key: 'usersFile', needed: ({ mechanisms = [] }) => mechanisms.includes('PLAIN'), reason: 'the mechanism PLAIN' },
  { key: 'oauth', needed: ({ mechanisms = [] }) => mechanisms.includes('OAUTHBEARER'), reason: 'OAUTHBEARER' },
]

const checked = listener.superRefine((security, context) => {
  for (const { key, needed, reason } of RULES) {
    if (needed(security) === (security[key] !== undefined)) continue
    const message = needed(security) ? `is required with ${reason}` : `is only for ${reason}`
    context.addIssue({ code: 'custom', path: [key], message })
  }
  if (security.clientAuth !== 'none' && !usesTls(security)) {
    context.addIssue({ code: 'custom', path: ['clientAuth'], message: 'is only for the protocols SSL and SASL_SSL' })
  }
})

export const listenerSecurity = z
  .preprocess(
    value => (typeof value === 'string' ? fromText(value) : value),
    z.record(z.string().regex(/^[A-Z0-9_]{1,40}$/, 'must be the name of a listener'), checked),
  )
  .optional()

function fromText(text: string): unknown {
  try {
    return parseYaml(text)
  } catch {
    return text
  }
}

export type ListenerSecurities = Readonly<Record<string, ListenerSecurity>>

export function securityOf(securities: ListenerSecurities | undefined, name: string): ListenerSecurity {
  const given = securities?.[name]
  if (given !== undefined) return given
  const protocol = SECURITY_PROTOCOLS.find(known => known === name) ?? 'PLAINTEXT'
  return { protocol, clientAuth: 'none', principalMappingRules: 'DEFAULT', maxReauthMs: 0 }
}
