/** How a client of ours authenticates itself by SASL (KIP-43, KIP-152). */
import { randomUUID } from 'node:crypto'
import { AuthenticationFailed } from '../security/sasl.ts'
import type { ScramMechanism } from '../security/scram.ts'
import { ScramClient } from '../security/scram-client.ts'
import type { ApiName, RequestOf, ResponseOf } from '../wire/api.ts'
import { errorCode, errorMessage } from '../wire/errors.ts'
import { newSaslAuthenticateRequest, newSaslHandshakeRequest } from '../wire/messages.gen.ts'

export { AuthenticationFailed }

export const LOGIN_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const satisfies readonly (
  | 'PLAIN'
  | ScramMechanism
)[]

export interface Login {
  readonly mechanism: (typeof LOGIN_MECHANISMS)[number]
  readonly user: string
  readonly password: string
}

interface Caller {
  readonly call: <Name extends ApiName>(name: Name, request: RequestOf<Name>) => Promise<ResponseOf<Name>>
}

/** Rejects with AuthenticationFailed, whose message is the broker's. */
export async function logIn({ mechanism, user, password }: Login, { call }: Caller): Promise<void> {
  const { errorCode: code, mechanisms } = await call('SaslHandshake', newSaslHandshakeRequest({ mechanism }))
  if (code !== errorCode.NONE) {
    throw new AuthenticationFailed(`the broker does not take ${mechanism}, only ${mechanisms.join(', ') || 'no SASL'}`)
  }
  const exchange = async (token: Buffer): Promise<Buffer> => {
    const answer = await call('SaslAuthenticate', newSaslAuthenticateRequest({ authBytes: token }))
    if (answer.errorCode === errorCode.NONE) return answer.authBytes
    throw new AuthenticationFailed(answer.errorMessage ?? errorMessage(answer.errorCode))
  }
  if (mechanism === 'PLAIN') {
    await exchange(Buffer.from(`\0${user}\0${password}`))
    return
  }
  const scram = new ScramClient({ mechanism, user, password, nonce: randomUUID().replaceAll('-', '') })
  scram.verify(await exchange(scram.final(await exchange(scram.first()))))
}
