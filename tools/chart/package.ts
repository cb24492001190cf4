/** `npm run chart -- [FOLDER]`: the chart as one file for a repository of charts, by default in dist-chart/. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkedRun } from '../image/checked-run.ts'
import { helm } from '../parts/parts.ts'

const root = join(import.meta.dirname, '../..')
const [folder = join(root, 'dist-chart')] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
const said = await checkedRun(await helm(), ['package', join(root, 'charts/kafscale'), '--destination', folder])
console.log(said.trim())
