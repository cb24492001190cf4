-- Generated from operator/types/conditions.ts by `npm run generate`. Do not edit.
local grave = {
  ResourceConflict = true,
  ListenerMissing = true,
  SecretMissing = true,
  NameConflict = true,
  InvalidSpec = true,
  ApiServerRefused = true,
  DeletionFailed = true,
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
