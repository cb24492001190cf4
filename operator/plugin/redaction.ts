// What must not leave a cluster with a report: values that are secret by their name, by their place, or by what they look
// like. Names of things stay, so that the report can be read.

export const REMOVED = '(removed)'

/** Of a field or an environment variable. What ends in Ref, Name or File names a secret and is none. */
const SECRET_NAME =
  /pass(word|wd|phrase)?$|secret(_?access)?(_?key)?$|token$|access_?key(_?id)?$|private_?key|credential|sasl_?jaas|api_?key$|authorization$/i
const NAMES_ONLY = /(ref|name|file|path|policy|version|mountserviceaccounttoken|imagepullsecrets|pullsecrets)s?$/i

const LOOKS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g, REMOVED],
  // Of a log only a piece may be there: a key without its beginning, or without its end.
  [/(?:^[A-Za-z0-9+/=]{16,}\r?\n)+-----END [A-Z ]+-----/gm, REMOVED],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*$/g, REMOVED],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{12,}/gi, `$1 ${REMOVED}`],
  [/\b(AWS4-HMAC-SHA256)\s[^\r\n"']+/g, `$1 ${REMOVED}`],
  [/(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"']+/gi, `$1${REMOVED}`],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/g, REMOVED],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}/g, REMOVED],
  [/(\/\/)[^/\s:@]+:[^/\s@]+@/g, `$1${REMOVED}@`],
  // Lines of files inside of a ConfigMap or of a log, JSON inside of JSON, and words of a command line.
  [
    /((?:password|passwd|passphrase|secret(?:_?key)?|token|access_?key|api_?key)\w*(?:\\?["'])?\s*[:=]\s*)(?!\(removed\))(?:\\"[^"]*"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\,;]+)/gi,
    `$1${REMOVED}`,
  ],
]

/** Annotations that repeat the whole object as it was applied. */
const REPETITIONS = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

export function redacted(value: unknown): unknown {
  if (typeof value === 'string')
    return LOOKS.reduce((text, [pattern, instead]) => text.replace(pattern, instead), value)
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    if (name === 'managedFields' || REPETITIONS.has(name)) return []
    return [[name, isSecret(name) && typeof inner !== 'object' ? REMOVED : redacted(inner)]]
  })
  const object = Object.fromEntries(fields)
  // An environment variable, a header: its name is beside its value.
  const isPair = typeof object.name === 'string' && typeof object.value === 'string'
  return isPair && isSecret(String(object.name)) ? { ...object, value: REMOVED } : object
}

const isSecret = (name: string): boolean => SECRET_NAME.test(name) && !NAMES_ONLY.test(name)
