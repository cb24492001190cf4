// What Argo CD thinks of the kinds of the operator: a health check in Lua, made from the table of conditions,
// so that a reason that wants somebody to act is Degraded and none is forgotten.

import { stringify } from 'yaml'
import {
  CLUSTER_CONDITIONS,
  type ConditionTable,
  TOPIC_CONDITIONS,
  USER_CONDITIONS,
} from '../../operator/types/conditions.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { USER } from '../../operator/types/kaf-scale-user.ts'
import type { Kind } from '../../operator/types/kind.ts'

const FOLDER = 'config/argocd'
const SOURCE = 'Generated from operator/types/conditions.ts by `npm run generate`. Do not edit.'

export function argocdFiles(): ReadonlyMap<string, string> {
  const checks = [
    { kind: CLUSTER, lua: healthLua(CLUSTER_CONDITIONS) },
    { kind: TOPIC, lua: healthLua(TOPIC_CONDITIONS) },
    { kind: USER, lua: healthLua(USER_CONDITIONS) },
  ]
  const files = checks.map(({ kind, lua }): [string, string] => [`${FOLDER}/${kind.singular}-health.lua`, lua])
  return new Map([...files, [`${FOLDER}/argocd-cm.yaml`, configMap(checks)]])
}

/** Reasons of `Ready` for which waiting does not help. */
function graveReasons({ Ready }: ConditionTable): string[] {
  return Object.entries(Ready?.reasons ?? {}).flatMap(([reason, { severity }]) =>
    severity === 'error' ? [reason] : [],
  )
}

function healthLua(table: ConditionTable): string {
  const grave = graveReasons(table).map(reason => `  ${reason} = true,`)
  return `-- ${SOURCE}
local grave = {
${grave.join('\n')}
}

local health = { status = "Progressing", message = "Waiting for the operator." }
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted."
  return health
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not looked at the newest spec yet."
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local ready = found.Ready
if ready == nil then
  return health
end
health.message = ready.message
if found.Stalled ~= nil and found.Stalled.status == "True" then
  health.status = "Degraded"
  health.message = found.Stalled.message
elseif ready.status == "False" and grave[ready.reason] then
  health.status = "Degraded"
elseif found.Paused ~= nil and found.Paused.status == "True" then
  health.status = "Suspended"
  health.message = found.Paused.message
elseif ready.reason == "Hibernated" or ready.reason == "NotManaged" then
  health.status = "Suspended"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
`
}

/** To be merged into the ConfigMap that Argo CD reads. */
function configMap(checks: readonly { readonly kind: Kind; readonly lua: string }[]): string {
  const data = Object.fromEntries(
    checks.map(({ kind, lua }) => [`resource.customizations.health.${kind.group}_${kind.kind}`, lua]),
  )
  const labels = { 'app.kubernetes.io/name': 'argocd-cm', 'app.kubernetes.io/part-of': 'argocd' }
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', labels }, data }
  return `# ${SOURCE}\n${stringify(object, { lineWidth: 0 })}`
}
