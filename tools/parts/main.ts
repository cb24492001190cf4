// Command line of the parts: `list` shows what is installed, `get NAME...` (or `get all`) installs and prints paths.
// Exit code 1 when a part cannot be had, 2 when the command line is wrong.

import { PARTS, PartUnavailable } from './parts.ts'

const [verb, ...names] = process.argv.slice(2)

if (verb === 'list' && names.length === 0) await list()
else if (verb === 'get' && names.length > 0) await get(names.includes('all') ? PARTS.map(part => part.name) : names)
else {
  console.error('usage: main.ts list | get all | get NAME...')
  process.exitCode = 2
}

async function list(): Promise<void> {
  for (const part of PARTS) {
    console.log(`${part.name.padEnd(15)} ${(await part.present()) ? 'installed' : 'missing  '}  ${part.about}`)
  }
}

async function get(wanted: string[]): Promise<void> {
  for (const name of wanted) {
    const part = PARTS.find(candidate => candidate.name === name)
    if (!part) {
      console.error(`no part is called ${name}; see list`)
      process.exitCode = 2
      return
    }
    try {
      console.log(`${name.padEnd(15)} ${await part.get()}`)
    } catch (error) {
      if (!(error instanceof PartUnavailable)) throw error
      console.error(`${name.padEnd(15)} cannot be had: ${error.message}`)
      process.exitCode = 1
    }
  }
}
