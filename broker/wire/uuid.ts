/** Topic, directory and member ids as Kafka prints them: sixteen bytes in 22 base64url characters. */

/** "No id": absent topic ids and directories read as this. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
