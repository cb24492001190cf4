/** SaslHandshake and SaslAuthenticate (KIP-43, KIP-152, KIP-368): what the authentication of the connection says to them. */
import { newSaslAuthenticateResponse, newSaslHandshakeResponse } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'

export const saslHandshake: Handler<'SaslHandshake'> = ({ mechanism }, { version, client }) => {
  const { errorCode, mechanisms } = client.authentication.handshake(mechanism, version)
  return newSaslHandshakeResponse({ errorCode, mechanisms: [...mechanisms] })
}

export const saslAuthenticate: Handler<'SaslAuthenticate'> = async ({ authBytes }, { client }) => {
  const { errorCode, errorMessage, token, sessionLifetimeMs } = await client.authentication.authenticate(authBytes)
  return newSaslAuthenticateResponse({ errorCode, errorMessage, authBytes: token, sessionLifetimeMs })
}
