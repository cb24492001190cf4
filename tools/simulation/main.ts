/** `make simulate SEEDS=n FROM=seed`: simulated histories of faults, as many as wanted. Fails when one of them does. */
import { seedsFrom, simulateSeeds } from '../../testing/simulation/seeds.ts'

const [count = 20_000, first = 1] = process.argv.slice(2).map(Number)
if (!Number.isInteger(count) || !Number.isInteger(first) || count < 1) {
  console.error('SEEDS and FROM must be whole numbers')
  process.exit(2)
}

const CHUNK = 500
let failed = false
for (let done = 0; done < count && !failed; done += CHUNK) {
  const report = await simulateSeeds(seedsFrom(first + done, Math.min(CHUNK, count - done)))
  const { histories, acknowledged, reads, kills, failures } = report
  console.log(
    `seeds from ${first + done}: ${histories} histories, ${acknowledged} records acknowledged, ${reads} read, ${kills} kills`,
  )
  for (const failure of failures) console.error(failure)
  failed = failures.length > 0
}
process.exitCode = failed ? 1 : 0
