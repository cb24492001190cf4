// The jest transformer: erases types with Node's own stripper. Positions are kept, so no source maps are needed.
import { createHash } from 'node:crypto'
import { stripTypeScriptTypes } from 'node:module'

export default {
  process: source => ({ code: stripTypeScriptTypes(source) }),
  processAsync: async source => ({ code: stripTypeScriptTypes(source) }),
  getCacheKey: (source, path) =>
    createHash('sha256').update(process.version).update('\0').update(path).update('\0').update(source).digest('hex'),
}
