// spec.security and spec.authorization: whether strangers are kept out, and who may do what. One field is enough; listeners
// and authorization may say otherwise, each for itself.

import { z } from 'zod'
import { set, withRules } from './schema.ts'

export const securitySchema = z.object({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Listeners that do not say otherwise have TLS by the authority of the cluster and users by scram-sha-512; ACLs hold.',
    ),
})

const superUser = () =>
  z
    .string()
    .min(6)
    .max(500)
    .regex(/^User:[^;]+$/)

export const authorizationSchema = withRules(
  z.object({
    type: z
      .enum(['acl', 'none'])
      .optional()
      .describe('acl: clients may do what ACLs allow. none: everything. By default acl when security is enabled.'),
    superUsers: set(superUser(), 64).optional().describe('Who may do everything, as User:NAME.'),
    allowEveryoneIfNoAclFound: z
      .boolean()
      .default(false)
      .describe('Whether everybody may use what no ACL is about (allow.everyone.if.no.acl.found).'),
  }),
  {
    rule: "!(has(self.type) && self.type == 'none' && has(self.superUsers))",
    message: 'authorization.superUsers means nothing with type none: set type to acl, or remove superUsers',
  },
)

export type SecuritySpec = z.output<typeof securitySchema>
export type AuthorizationSpec = z.output<typeof authorizationSchema>
