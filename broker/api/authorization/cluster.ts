/** Guards of the requests about settings, users, ACLs, quotas and the cluster itself. */
import { CLUSTER_NAME, operation, resourceType } from '../../security/acl.ts'
import type { Access } from '../../security/authorizer.ts'
import { RESOURCE_GROUP, RESOURCE_TOPIC } from '../../state/catalog.ts'
import { errorCode, errorMessage } from '../../wire/errors.ts'
import * as wire from '../../wire/messages.gen.ts'
import type { Resource } from '../configs/resource.ts'
import { type Guard, split } from './guard.ts'

const DENIED = errorCode.CLUSTER_AUTHORIZATION_FAILED

const mayWithCluster = (access: Access, wanted: number): boolean =>
  access.may(wanted, resourceType.CLUSTER, CLUSTER_NAME)

/** Settings of topics and groups are theirs; all others belong to the cluster. */
function configProblem(access: Access, wanted: number, { resourceType: type, resourceName }: Resource): number {
  const [kind, name, code] =
    type === RESOURCE_TOPIC
      ? [resourceType.TOPIC, resourceName, errorCode.TOPIC_AUTHORIZATION_FAILED]
      : type === RESOURCE_GROUP
        ? [resourceType.GROUP, resourceName, errorCode.GROUP_AUTHORIZATION_FAILED]
        : [resourceType.CLUSTER, CLUSTER_NAME, DENIED]
  return access.may(wanted, kind, name) ? errorCode.NONE : code
}

function splitConfigs<Item extends Resource>(access: Access, wanted: number, resources: readonly Item[]) {
  const judged = resources.map(resource => ({ resource, code: configProblem(access, wanted, resource) }))
  const { allowed, refused } = split(judged, ({ code }) => code === errorCode.NONE)
  return {
    allowed: allowed.map(({ resource }) => resource),
    refused: refused.map(({ resource: { resourceType: type, resourceName }, code }) => ({
      ...{ resourceType: type, resourceName, errorCode: code, errorMessage: errorMessage(code) },
    })),
  }
}

export const guardDescribeConfigs: Guard<'DescribeConfigs'> = handler => async (request, context) => {
  const wanted = operation.DESCRIBE_CONFIGS
  const { allowed, refused } = splitConfigs(context.client.access, wanted, request.resources)
  const answer = await handler({ ...request, resources: allowed }, context)
  const denied = refused.map(one => wire.newDescribeConfigsResponseResult({ ...one, configs: [] }))
  return answer && { ...answer, results: [...answer.results, ...denied] }
}

export const guardAlterConfigs: Guard<'AlterConfigs'> = handler => async (request, context) => {
  const { allowed, refused } = splitConfigs(context.client.access, operation.ALTER_CONFIGS, request.resources)
  const answer = await handler({ ...request, resources: allowed }, context)
  const denied = refused.map(one => wire.newAlterConfigsResponseResponse(one))
  return answer && { ...answer, responses: [...answer.responses, ...denied] }
}

export const guardIncrementalAlterConfigs: Guard<'IncrementalAlterConfigs'> = handler => async (request, context) => {
  const { allowed, refused } = splitConfigs(context.client.access, operation.ALTER_CONFIGS, request.resources)
  const answer = await handler({ ...request, resources: allowed }, context)
  const denied = refused.map(one => wire.newIncrementalAlterConfigsResponseResponse(one))
  return answer && { ...answer, responses: [...answer.responses, ...denied] }
}

export const guardListConfigResources: Guard<'ListConfigResources'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.DESCRIBE_CONFIGS)) return handler(request, context)
  return wire.newListConfigResourcesResponse({ throttleTimeMs: 0, errorCode: DENIED, configResources: [] })
}

export const guardDescribeCluster: Guard<'DescribeCluster'> = handler => async (request, context) => {
  const answer = await handler(request, context)
  if (answer === null || !request.includeClusterAuthorizedOperations) return answer
  const clusterAuthorizedOperations = context.client.access.operations(resourceType.CLUSTER, CLUSTER_NAME)
  return { ...answer, clusterAuthorizedOperations }
}

export const guardDescribeUserScramCredentials: Guard<'DescribeUserScramCredentials'> =
  handler => (request, context) => {
    if (mayWithCluster(context.client.access, operation.DESCRIBE)) return handler(request, context)
    return wire.newDescribeUserScramCredentialsResponse({
      ...{ throttleTimeMs: 0, errorCode: DENIED, errorMessage: errorMessage(DENIED), results: [] },
    })
  }

export const guardAlterUserScramCredentials: Guard<'AlterUserScramCredentials'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.ALTER)) return handler(request, context)
  const users = new Set([...request.deletions, ...request.upsertions].map(({ name }) => name))
  const refusal = { errorCode: DENIED, errorMessage: errorMessage(DENIED) }
  return wire.newAlterUserScramCredentialsResponse({
    throttleTimeMs: 0,
    results: [...users].map(user => wire.newAlterUserScramCredentialsResponseResult({ user, ...refusal })),
  })
}

export const guardDescribeAcls: Guard<'DescribeAcls'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.DESCRIBE)) return handler(request, context)
  const refusal = { errorCode: DENIED, errorMessage: errorMessage(DENIED) }
  return wire.newDescribeAclsResponse({ throttleTimeMs: 0, ...refusal, resources: [] })
}

export const guardCreateAcls: Guard<'CreateAcls'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.ALTER)) return handler(request, context)
  const refusal = wire.newCreateAclsResponseResult({ errorCode: DENIED, errorMessage: errorMessage(DENIED) })
  return wire.newCreateAclsResponse({ throttleTimeMs: 0, results: request.creations.map(() => refusal) })
}

export const guardDeleteAcls: Guard<'DeleteAcls'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.ALTER)) return handler(request, context)
  const refusal = { errorCode: DENIED, errorMessage: errorMessage(DENIED), matchingAcls: [] }
  return wire.newDeleteAclsResponse({
    throttleTimeMs: 0,
    filterResults: request.filters.map(() => wire.newDeleteAclsResponseFilterResult(refusal)),
  })
}

export const guardDescribeClientQuotas: Guard<'DescribeClientQuotas'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.DESCRIBE_CONFIGS)) return handler(request, context)
  const refusal = { errorCode: DENIED, errorMessage: errorMessage(DENIED) }
  return wire.newDescribeClientQuotasResponse({ throttleTimeMs: 0, ...refusal, entries: null })
}

export const guardAlterClientQuotas: Guard<'AlterClientQuotas'> = handler => (request, context) => {
  if (mayWithCluster(context.client.access, operation.ALTER_CONFIGS)) return handler(request, context)
  const refusal = { errorCode: DENIED, errorMessage: errorMessage(DENIED) }
  return wire.newAlterClientQuotasResponse({
    throttleTimeMs: 0,
    entries: request.entries.map(({ entity }) => wire.newAlterClientQuotasResponseEntry({ ...refusal, entity })),
  })
}
