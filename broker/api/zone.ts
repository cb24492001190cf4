/**
 * The zone that a client names in its client id, as clients of other brokers over object stores do already: `zone=a`,
 * among other things, separated by commas, bars or semicolons. Fetch requests name one by `client.rack`; Produce and
 * Metadata requests have no other place for it.
 */
const ZONE = /(?:^|[,|;])\s*(?:zone|zone_id|diskless_az|automq_az|ws_az|warpstream_az)=([^,|;\s]+)/

/** Undefined when the client id names none. */
export function zoneOf(clientId: string): string | undefined {
  return ZONE.exec(clientId)?.[1]
}
