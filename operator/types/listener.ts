// spec.listeners[]: the addresses by which clients come.

import { z } from 'zod'
import { dnsLabel, hostName, labels, list, nodePort, objectName, port, text, withRules } from './schema.ts'

const tls = withRules(
  z.object({
    secretRef: objectName().optional().describe('Secret with tls.crt and tls.key.'),
    issuerRef: z
      .object({
        name: objectName().describe('Name of the issuer of cert-manager.'),
        kind: z.enum(['Issuer', 'ClusterIssuer']).default('Issuer').describe('Kind of it.'),
      })
      .optional()
      .describe('Issuer that makes the certificate.'),
    selfSigned: z.boolean().default(false).describe('The operator makes an authority and the certificate.'),
  }),
  {
    rule: '[has(self.secretRef), has(self.issuerRef), self.selfSigned].filter(x, x).size() == 1',
    message: 'tls needs exactly one of secretRef, issuerRef and selfSigned: true',
  },
)

const auth = withRules(
  z.object({
    type: z
      .enum(['none', 'tls', 'scram-sha-256', 'scram-sha-512', 'plain', 'oauthbearer'])
      .default('none')
      .describe('How clients say who they are.'),
    secretRef: objectName().optional().describe('Secret with users and passwords, or with the authority of clients.'),
  }),
  {
    rule: "self.type == 'none' || self.type == 'oauthbearer' || has(self.secretRef)",
    message: 'auth.secretRef is missing: it names the Secret with the users, or with the authority that signs clients',
  },
)

const peer = withRules(
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
    tls: tls.optional().describe('Certificates; without it the listener is plain.'),
    auth: auth.optional().describe('How clients say who they are.'),
    allowFrom: list(peer, 32).optional().describe('Who may connect, when networkPolicy is enabled; by default all.'),
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
