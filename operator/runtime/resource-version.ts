// Resource versions are decimal numbers of any length; a larger one is newer (KEP-5504, "Comparable Resource Version").

/** Below 0 when `a` is older than `b`, 0 when they are equal, above 0 when it is newer. No version is older than any. */
export function compareVersions(a = '', b = ''): number {
  if (a.length !== b.length) return a.length - b.length
  return a === b ? 0 : a < b ? -1 : 1
}
