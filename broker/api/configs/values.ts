/** Checking a set of settings, one by one. */
import type { Parsed } from '../../state/topic-config-keys.ts'

/** The values in the form in which they are kept, or what is wrong with the first wrong one. */
export type Checked = { readonly values: ReadonlyMap<string, string> } | { readonly problem: string }

export function checkEach(
  configs: ReadonlyMap<string, string>,
  check: (name: string, text: string) => Parsed,
): Checked {
  const values = new Map<string, string>()
  for (const [name, text] of configs) {
    const parsed = check(name, text)
    if ('problem' in parsed) return parsed
    values.set(name, parsed.value)
  }
  return { values }
}
