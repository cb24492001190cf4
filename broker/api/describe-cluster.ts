/** DescribeCluster (KIP-700). Brokers describe brokers; there are no controllers to describe (KIP-919). */
import { errorCode } from '../wire/errors.ts'
import { newDescribeClusterResponse, newDescribeClusterResponseBroker } from '../wire/messages.gen.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_OMITTED } from './authorized-operations.ts'
import { leaderFor, liveBrokers } from './brokers.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const BROKERS = 1
const CONTROLLERS = 2

export function describeCluster({ replica }: Pick<Parts, 'replica'>): Handler<'DescribeCluster'> {
  return (request, { clientId, client }) => {
    const { endpointType } = request
    if (endpointType !== BROKERS) {
      const code =
        endpointType === CONTROLLERS ? errorCode.MISMATCHED_ENDPOINT_TYPE : errorCode.UNSUPPORTED_ENDPOINT_TYPE
      const errorMessage = 'a broker describes brokers only'
      return newDescribeClusterResponse({
        throttleTimeMs: 0,
        errorCode: code,
        errorMessage,
        clusterId: '',
        brokers: [],
      })
    }
    return newDescribeClusterResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      clusterId: replica.state.clusterId,
      controllerId: leaderFor(replica, client, clientId),
      brokers: liveBrokers(replica, client.listener).map(({ nodeId, host, port, rack }) =>
        newDescribeClusterResponseBroker({ brokerId: nodeId, host, port, rack }),
      ),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_OMITTED,
    })
  }
}
