/** Emits the typed table of APIs: request and response types by name, and the codecs with their version ranges. */

import { type StatementStructures, StructureKind, VariableDeclarationKind } from 'ts-morph'
import type { ApiSchema } from '../../broker/wire/schema/notation.ts'
import { print } from './source-file.ts'

/** `messages` and `api` are the import paths of the generated messages and of the `Api` type. */
export function apiTable(apis: readonly ApiSchema[], messages: string, api: string): string {
  const statements: StatementStructures[] = [
    {
      kind: StructureKind.Interface,
      name: 'ApiMessages',
      isExported: true,
      docs: ['Request and response type of every API.'],
      properties: apis.map(({ name }) => ({
        name,
        type: `{ request: messages.${name}Request; response: messages.${name}Response }`,
      })),
    },
    {
      kind: StructureKind.VariableStatement,
      isExported: true,
      declarationKind: VariableDeclarationKind.Const,
      declarations: [
        {
          name: 'apis',
          type: '{ readonly [Name in keyof ApiMessages]: Api<Name> }',
          initializer: code => {
            code.inlineBlock(() => {
              for (const schema of apis) {
                const { name, key, request } = schema
                const [first, last] = request.versions
                code.write(`${name}: `).inlineBlock(() => {
                  code.writeLine(`key: ${key},`)
                  code.writeLine(`name: '${name}',`)
                  code.writeLine(`firstVersion: ${first},`)
                  code.writeLine(`lastVersion: ${last},`)
                  code.writeLine(
                    `flexibleSince: ${Number.isFinite(request.flexibleSince) ? request.flexibleSince : 'Number.POSITIVE_INFINITY'},`,
                  )
                  for (const verb of ['read', 'write']) {
                    for (const side of ['Request', 'Response']) {
                      code.writeLine(`${verb}${side}: messages.${verb}${name}${side},`)
                    }
                  }
                })
                code.write(',').newLine()
              }
            })
          },
        },
      ],
    },
  ]
  const imports = `import type { Api } from '${api}'\nimport * as messages from '${messages}'\n\n`
  return imports + print(statements)
}
