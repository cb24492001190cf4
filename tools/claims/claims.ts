/**
 * The registry of claims: what the README and the tutorial say, and what proves it. Pure; the test beside it reads the files.
 */
import { parse } from 'yaml'
import { z } from 'zod'

const evidenceSchema = z.union([
  z.strictObject({
    /** A test file of the repository. */
    test: z.string(),
    /** The test, or a group of tests, as the file names it. */
    name: z.string().min(1),
  }),
  z.strictObject({
    /** The command that measures. */
    bench: z.string(),
    report: z.string(),
    /** Words of the line of the report that has the figure. */
    figure: z.string().min(1),
  }),
])

const claimSchema = z.strictObject({
  id: z.string().regex(/^KS-[A-Z]+-\d{3}$/),
  statement: z.string().min(1),
  scope: z.string().min(1),
  status: z.enum(['verified', 'limited', 'planned']),
  reviewed: z.iso.date(),
  evidence: z.array(evidenceSchema),
})

export type Claim = z.output<typeof claimSchema>

/** Throws ZodError, and for an id that is there twice. */
export function claimsOf(text: string): readonly Claim[] {
  const claims = z.array(claimSchema).parse(parse(text))
  const ids = new Set<string>()
  for (const { id } of claims) {
    if (ids.has(id)) throw new Error(`${id} is there twice`)
    ids.add(id)
  }
  return claims
}

const MARK = /<!-- claim: ([A-Z0-9, -]+) -->/g

/** The ids that a text names. */
export function namedClaims(markdown: string): readonly string[] {
  return [...markdown.matchAll(MARK)].flatMap(([, ids = '']) => ids.split(',').map(id => id.trim()))
}

/** A number with a unit of time, size or speed, or in words that promise one. */
const FIGURE =
  /\b\d[\d.,]*\s?(ms|s|seconds?|MB|GB|MB\/s|GB\/s|%)(?![\w-])|\bthousand\b|\b(a|one|two|three|few|half a) (milli)?seconds?\b/i
/** What the reader has to bring, or to wait for beside us, is no claim about KafScale. */
const NO_CLAIM = /\*\*(Time|You need):\*\*|^\s*\|.*min/

/** Paragraphs, outside of code, that tell a figure and name no claim. */
export function unprovedFigures(markdown: string): readonly string[] {
  return markdown
    .replace(/```[\s\S]*?```/g, '')
    .split(/\n\s*\n/)
    .filter(paragraph => FIGURE.test(paragraph) && !NO_CLAIM.test(paragraph) && namedClaims(paragraph).length === 0)
}

export function claimsPage(claims: readonly Claim[]): string {
  const parts = claims.map(({ id, statement, scope, status, reviewed, evidence }) => {
    const proofs = evidence.map(one =>
      'test' in one
        ? `- [${one.test}](../../${one.test}): ${one.name} (\`make test\`)`
        : `- [${one.report}](../../${one.report}): ${one.figure} (\`${one.bench}\`)`,
    )
    return `## ${id}\n\n${statement}\n\n**Status:** ${status}. **Scope:** ${scope} **Reviewed:** ${reviewed}.\n\n${proofs.join('\n')}\n`
  })
  return `# Claims

Generated from \`docs/claims/claims.yaml\` by \`npm run generate\`. Every technical claim of the README and the tutorial, what it is limited to, and
what proves it. A test fails when a text names a claim that is not here, when one is proved by a test that there is not or that
\`make test\` does not run, and when a figure in the texts names no claim.

${parts.join('\n')}`
}
