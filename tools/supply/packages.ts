/** The npm packages that run in production, as the lock file names them: with version, licence and checksum. */
import { z } from 'zod'

export interface RuntimePackage {
  readonly name: string
  readonly version: string
  /** As SPDX writes it. */
  readonly licence: string
  /** Hexadecimal SHA-512 of the package; undefined when the lock file has none. */
  readonly sha512: string | undefined
  /** It is left out where it does not fit the machine. */
  readonly isOptional: boolean
}

/** https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json */
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
})

/** By name and version, each once. Throws for a lock file that is none, and for a package without a version or licence. */
export function runtimePackages(lockFile: string): readonly RuntimePackage[] {
  const { packages } = lockSchema.parse(JSON.parse(lockFile))
  const found = new Map<string, RuntimePackage>()
  for (const [path, { version, license, integrity, dev, devOptional, optional }] of Object.entries(packages)) {
    if (path === '' || dev === true || devOptional === true) continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if (version === undefined || license === undefined) throw new Error(`${name} has no version or no licence`)
    const sha512 = integrity?.startsWith('sha512-')
      ? Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
      : undefined
    found.set(`${name}@${version}`, { name, version, licence: license, sha512, isOptional: optional === true })
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version))
}

/** Licences that go with ours: they ask for no more than that their text stays with the code. */
export const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
])
