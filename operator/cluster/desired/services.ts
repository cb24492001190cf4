// The Services of the listeners, one each: whatever the number of brokers, there is never another address.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { needsCertificates } from './certificates.ts'
import { type ListenerPlan, listenersOf } from './listeners.ts'
import { METRICS_PORT, OPERATOR_PORT, operatorServiceName, selectorLabels } from './names.ts'
import { ownedObject, present } from './object.ts'

export function listenerServices(inputs: ClusterInputs): Manifest[] {
  const own = needsCertificates(inputs) ? [operatorService(inputs)] : []
  return [...listenersOf(inputs).map((listener, index) => listenerService(inputs, listener, index === 0)), ...own]
}

/** By which the operator reaches brokers that take nobody else. */
function operatorService(inputs: ClusterInputs): Manifest {
  const spec = {
    type: 'ClusterIP',
    selector: selectorLabels(inputs, 'broker'),
    ports: [{ name: 'operator', port: OPERATOR_PORT, targetPort: 'operator', protocol: 'TCP' }],
  }
  return ownedObject(inputs, RESOURCES.services, { name: operatorServiceName(inputs), component: 'broker' }, { spec })
}

function listenerService(inputs: ClusterInputs, listener: ListenerPlan, isFirst: boolean): Manifest {
  const { service, serviceType, name, port, nodePort, metricsNodePort, annotations } = listener
  const kafka = present<string | number>({ name, port, targetPort: name, protocol: 'TCP', nodePort })
  const metrics = present<string | number>({
    name: 'metrics',
    port: METRICS_PORT,
    targetPort: 'metrics',
    protocol: 'TCP',
    nodePort: metricsNodePort,
  })
  const spec = present<unknown>({
    type: serviceType,
    selector: selectorLabels(inputs, 'broker'),
    ports: isFirst ? [kafka, metrics] : [kafka],
    externalTrafficPolicy: listener.externalTrafficPolicy,
    loadBalancerClass: listener.loadBalancerClass,
    loadBalancerIP: listener.loadBalancerIP,
    loadBalancerSourceRanges: listener.loadBalancerSourceRanges,
  })
  return ownedObject(inputs, RESOURCES.services, { name: service, component: 'broker', annotations }, { spec })
}
