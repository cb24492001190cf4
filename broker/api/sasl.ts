/** SaslHandshake and SaslAuthenticate on a listener without SASL: Kafka's ILLEGAL_SASL_STATE. */
import { errorCode } from '../wire/errors.ts'
import { newSaslAuthenticateResponse, newSaslHandshakeResponse } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'

export const saslHandshake: Handler<'SaslHandshake'> = () =>
  newSaslHandshakeResponse({ errorCode: errorCode.ILLEGAL_SASL_STATE, mechanisms: [] })

export const saslAuthenticate: Handler<'SaslAuthenticate'> = () =>
  newSaslAuthenticateResponse({
    errorCode: errorCode.ILLEGAL_SASL_STATE,
    errorMessage: 'this listener does not use SASL',
    authBytes: Buffer.alloc(0),
  })
