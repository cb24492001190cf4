/** Every file in `crds/`, by path from the root of the repository. */
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import { definitionYaml, fileName } from './definition.ts'

export const crdFiles = (): ReadonlyMap<string, string> =>
  new Map([CLUSTER, TOPIC, USER].map(kind => [fileName(kind), definitionYaml(kind)]))
