/** docs/licences.md: every package that runs in production, with its licence. */
import type { RuntimePackage } from './packages.ts'

export function licencesPage(packages: readonly RuntimePackage[]): string {
  const rows = packages.map(
    ({ name, version, licence, isOptional }) =>
      `| ${name} | ${version} | ${licence}${isOptional ? ' (optional)' : ''} |`,
  )
  return `# Licences

Generated from \`package-lock.json\` by \`npm run generate\`. KafScale is under Apache-2.0. These npm packages run with it; a unit
test fails when one of them has a licence that does not go with that. The image names them, and what else is in it, in
\`/app/sbom.cdx.json\` (CycloneDX). \`npm run audit\` asks the registry for known weaknesses.

| package | version | licence |
| --- | --- | --- |
${rows.join('\n')}
`
}
