// S3 servers that the store is tested against, at pinned versions. They differ on purpose: versitygw is strict about
// conditional writes, moto is a second opinion in another language, s3rver ignores If-None-Match.

import { join } from 'node:path'
import { goProgram, goProgramPresent } from './go.ts'
import { npmPackage, npmPackagePresent } from './npm.ts'
import { type Python, pythonWith, pythonWithPresent } from './python.ts'

const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.7.0'
const MOTO = ['moto[server]==5.2.5']
const S3RVER = '3.7.1'

/** Path of versitygw, a gateway that serves a folder as S3. */
export function versitygw(): Promise<string> {
  return goProgram('versitygw', VERSITYGW)
}

/** A Python that can run `-m moto.server`. */
export function moto(): Promise<Python> {
  return pythonWith('moto', MOTO)
}

/** Path of s3rver's script, for Node. */
export async function s3rver(): Promise<string> {
  return join(await npmPackage('s3rver', S3RVER), 'bin', 's3rver.js')
}

export const versitygwPresent = async (): Promise<boolean> => goProgramPresent('versitygw', VERSITYGW)
export const motoPresent = (): Promise<boolean> => pythonWithPresent('moto', MOTO)
export const s3rverPresent = async (): Promise<boolean> => npmPackagePresent('s3rver', S3RVER)
