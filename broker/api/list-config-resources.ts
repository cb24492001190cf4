/** ListConfigResources (KIP-1142): what has settings. Version 0 asked for subscriptions to client metrics only (KIP-1000). */

import { RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import { newListConfigResourcesResponse, newListConfigResourcesResponseConfigResource } from '../wire/messages.gen.ts'
import { liveBrokers } from './brokers.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const RESOURCE_BROKER_LOGGER = 8
const ALL_TYPES = [RESOURCE_TOPIC, RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP]
const KNOWN_TYPES: ReadonlySet<number> = new Set([...ALL_TYPES, RESOURCE_BROKER_LOGGER])

export function listConfigResources({ replica }: Pick<Parts, 'replica'>): Handler<'ListConfigResources'> {
  return ({ resourceTypes }, { version, client }) => {
    const wanted = version === 0 ? [RESOURCE_CLIENT_METRICS] : resourceTypes.length === 0 ? ALL_TYPES : resourceTypes
    if (wanted.some(type => !KNOWN_TYPES.has(type))) {
      return newListConfigResourcesResponse({
        throttleTimeMs: 0,
        errorCode: errorCode.UNSUPPORTED_VERSION,
        configResources: [],
      })
    }
    return newListConfigResourcesResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      configResources: [...new Set(wanted)].flatMap(resourceType =>
        namesOf(replica, resourceType, client.listener).map(resourceName =>
          newListConfigResourcesResponseConfigResource({ resourceName, resourceType }),
        ),
      ),
    })
  }
}

function namesOf(replica: Parts['replica'], resourceType: number, listener: string): string[] {
  switch (resourceType) {
    case RESOURCE_TOPIC:
      return [...replica.state.catalog.byName.keys()]
    case RESOURCE_BROKER:
      return liveBrokers(replica, listener).map(({ nodeId }) => String(nodeId))
    default: {
      const prefix = `${resourceType}/`
      return [...replica.state.catalog.configs.keys()]
        .filter(id => id.startsWith(prefix))
        .map(id => id.slice(prefix.length))
    }
  }
}
