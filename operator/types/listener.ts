// spec.listeners[]: the addresses by which clients come.

import { z } from 'zod'
import { dnsLabel, hostName, httpUrl, labels, list, nodePort, objectName, port, text, withRules } from './schema.ts'

/** A name or an address that a certificate may stand for. */
const certificateName = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^(\*\.)?[A-Za-z0-9._:-]+$/)

const tls = withRules(
  z.object({
    secretRef: objectName().optional().describe('Secret with tls.crt and tls.key, and ca.crt for those who connect.'),
    issuerRef: z
      .object({
        name: objectName().describe('Name of the issuer of cert-manager.'),
        kind: text(63).default('Issuer').describe('Kind of it, such as Issuer or ClusterIssuer.'),
        group: text(253).default('cert-manager.io').describe('Group of that kind.'),
      })
      .optional()
      .describe('Issuer that makes the certificate.'),
    selfSigned: z
      .boolean()
      .default(false)
      .describe('The authority of the cluster, which the operator makes, signs it.'),
    names: list(certificateName(), 32)
      .optional()
      .describe('Names and addresses by which clients connect, beside those that the operator knows.'),
  }),
  {
    rule: '[has(self.secretRef), has(self.issuerRef), self.selfSigned].filter(x, x).size() == 1',
    message: 'tls needs exactly one of secretRef, issuerRef and selfSigned: true',
  },
  {
    rule: '!(has(self.secretRef) && has(self.names))',
    message: 'tls.names is for certificates that are made for the listener: remove it, or secretRef',
  },
)

const oauth = z.object({
  jwksUrl: httpUrl().describe('Where the issuer publishes the keys that tokens are signed with.'),
  issuer: text(500).optional().describe('Who must have issued a token (claim iss).'),
  audience: list(text(500), 16).optional().describe('For whom a token must be, one of these (claim aud).'),
  principalClaim: text(100).optional().describe('Claim with the name of the client; by default sub.'),
  clockSkewSeconds: z.int32().min(0).max(3600).optional().describe('How far clocks may differ; 30 if nobody says.'),
})

const authentication = withRules(
  z.object({
    type: z
      .enum(['none', 'tls', 'scram-sha-256', 'scram-sha-512', 'plain', 'oauth'])
      .describe('How clients say who they are.'),
    secretRef: objectName()
      .optional()
      .describe(
        'For plain: Secret whose users.yaml has the password of each user. For tls: Secret whose ca.crt signs clients, instead of the authority of the cluster.',
      ),
    oauth: oauth.optional().describe('Which tokens are taken.'),
    principalMappingRules: text(2000)
      .optional()
      .describe('What is made of the name in a certificate (ssl.principal.mapping.rules); by default its CN.'),
    maxReauthSeconds: z
      .int32()
      .min(1)
      .max(604_800)
      .optional()
      .describe('After so long a client must say again who it is (connections.max.reauth.ms).'),
  }),
  {
    rule: "self.type != 'plain' || has(self.secretRef)",
    message: 'authentication.secretRef is missing: for plain it names the Secret whose users.yaml has the users',
  },
  {
    rule: "!has(self.secretRef) || self.type in ['plain', 'tls']",
    message: 'authentication.secretRef is for the types plain and tls: remove it',
  },
  {
    rule: "(self.type == 'oauth') == has(self.oauth)",
    message: 'authentication.oauth goes with the type oauth, and only with it',
  },
  {
    rule: "!has(self.principalMappingRules) || self.type == 'tls'",
    message: 'authentication.principalMappingRules is for the type tls: remove it',
  },
  {
    rule: "!has(self.maxReauthSeconds) || !(self.type in ['none', 'tls'])",
    message: 'authentication.maxReauthSeconds is for users with passwords or tokens: remove it',
  },
)

export const peerSchema = withRules(
  z.object({
    namespaceLabels: labels().optional().describe('Namespaces, by label.'),
    podLabels: labels().optional().describe('Pods, by label; in this namespace unless namespaceLabels is set.'),
    cidr: text(50).optional().describe('Addresses.'),
  }),
  {
    rule: 'has(self.cidr) != (has(self.namespaceLabels) || has(self.podLabels))',
    message: 'allowFrom needs either cidr, or namespaceLabels or podLabels or both of these',
  },
)

export const listenerSchema = withRules(
  z.object({
    name: dnsLabel(11).describe('Name; part of the names of Services.'),
    port: port().describe('Port that clients connect to inside the Kubernetes cluster.'),
    type: z.enum(['internal', 'nodePort', 'loadBalancer']).default('internal').describe('From where clients come.'),
    mode: z
      .enum(['shared', 'perBroker'])
      .default('shared')
      .describe('shared: one address leads to any broker, which serves all. perBroker: an address for each broker.'),
    advertisedHost: hostName().optional().describe('Host that clients are told to connect to.'),
    advertisedPort: port().optional().describe('Port that clients are told to connect to.'),
    nodePort: nodePort().optional().describe('Port on every node.'),
    loadBalancerClass: text(253).optional().describe('Class of the load balancer.'),
    loadBalancerIP: text(45).optional().describe('Address that the load balancer is asked to have.'),
    loadBalancerSourceRanges: list(text(50), 64).optional().describe('Who may reach the load balancer, CIDR.'),
    externalTrafficPolicy: z.enum(['Cluster', 'Local']).optional().describe('Whether nodes pass traffic on.'),
    annotations: labels().optional().describe('Annotations of the Service.'),
    tls: tls.optional().describe('Certificates; without it the listener is plain, unless security is enabled.'),
    authentication: authentication
      .optional()
      .describe('How clients say who they are; without it not at all, unless security is enabled.'),
    allowFrom: list(peerSchema, 32)
      .optional()
      .describe('Who may connect, when networkPolicy is enabled; by default all.'),
  }),
  {
    rule: "self.type == 'loadBalancer' || !(has(self.loadBalancerClass) || has(self.loadBalancerIP) || has(self.loadBalancerSourceRanges))",
    message: 'loadBalancerClass, loadBalancerIP and loadBalancerSourceRanges need type: loadBalancer',
  },
  {
    rule: "self.type != 'internal' || !(has(self.nodePort) || has(self.externalTrafficPolicy))",
    message: 'nodePort and externalTrafficPolicy need type: nodePort or loadBalancer',
  },
  {
    rule: "self.mode == 'shared' || !(has(self.nodePort) || has(self.loadBalancerIP) || has(self.advertisedHost))",
    message: 'nodePort, loadBalancerIP and advertisedHost are for one address: remove them, or set mode: shared',
  },
)

export type ListenerSpec = z.output<typeof listenerSchema>
export type PeerSpec = z.output<typeof peerSchema>
