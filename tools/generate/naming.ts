/** Names of generated things. */

/** `topics` -> `topic`, `entries` -> `entry`; a word that is no plural stays. */
export function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.endsWith('ss') || word.endsWith('us')) return word
  return word.endsWith('s') ? word.slice(0, -1) : word
}

/** `fetchOffset` -> `FetchOffset`. */
export function pascalCase(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** `FetchOffset` -> `fetchOffset`. */
export function camelCase(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1)
}

/** `SaslHandshake` -> `sasl-handshake`, the name of its files. */
export function kebabCase(word: string): string {
  return word.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
}
