/**
 * `npm run audit`: known weaknesses of the packages that run in production, by the registry's own list. Fails for what is
 * high or critical. A registry that has no such list is said aloud and is no failure: nothing was found out.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { run } from '../parts/command.ts'

/** https://docs.npmjs.com/cli/v11/commands/npm-audit */
const reportSchema = z.object({
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
})

const SERIOUS = new Set(['high', 'critical'])

const root = join(import.meta.dirname, '../..')
const { stdout } = await run('npm', ['audit', '--omit=dev', '--json', '--prefix', root])
const found = reportSchema.safeParse(parsed(stdout))
if (!found.success) {
  console.error('LEFT OUT: audit of dependencies: the registry has no list of weaknesses, or cannot be reached')
} else {
  const { vulnerabilities, metadata } = found.data
  console.log(`audit: ${JSON.stringify(metadata.vulnerabilities)}`)
  for (const [name, { severity, range }] of Object.entries(vulnerabilities)) {
    console.log(`${severity}  ${name} ${range}`)
    if (SERIOUS.has(severity)) process.exitCode = 1
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
