/** ApiVersions (KIP-35, KIP-511): what we serve. Features are reported when what they stand for is there; none is yet. */
import { errorCode } from '../wire/errors.ts'
import { newApiVersionsResponse, newApiVersionsResponseApiKey } from '../wire/messages.gen.ts'
import { advertised } from './advertised.ts'
import type { Handler } from './handler.ts'

const SOFTWARE = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/
const FIRST_VERSION_WITH_SOFTWARE = 3

const apiKeys = advertised.map(({ key, first, last }) =>
  newApiVersionsResponseApiKey({ apiKey: key, minVersion: first, maxVersion: last }),
)

export const apiVersions: Handler<'ApiVersions'> = (request, { version, client }) => {
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (version >= FIRST_VERSION_WITH_SOFTWARE) {
    if (!SOFTWARE.test(clientSoftwareName) || !SOFTWARE.test(clientSoftwareVersion)) {
      return newApiVersionsResponse({ errorCode: errorCode.INVALID_REQUEST, apiKeys: [] })
    }
    client.softwareName = clientSoftwareName
    client.softwareVersion = clientSoftwareVersion
  }
  return newApiVersionsResponse({ errorCode: errorCode.NONE, apiKeys })
}
