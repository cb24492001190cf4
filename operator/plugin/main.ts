#!/usr/bin/env node
/**
 * `kubectl kafscale`: the plug-in's process. kubectl finds it by its name, `kubectl-kafscale`, on the PATH.
 *
 * It talks to the API server as a kubeconfig file says, or as the account of its pod where there is no such file.
 */
import { access, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { systemClock } from '../../broker/clock.ts'
import { type Connection, ConnectionError, kubeconfigConnection, podConnection } from '../runtime/connection.ts'
import { HttpKubeClient } from '../runtime/http-kube-client.ts'
import { type Place, runProgram } from './program.ts'

async function connection({ kubeconfig, context }: Place): Promise<Connection> {
  const named = kubeconfig ?? process.env.KUBECONFIG?.split(delimiter).find(file => file !== '')
  const file = named ?? join(homedir(), '.kube', 'config')
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (isThere) return kubeconfigConnection(file, systemClock, context)
  if (named === undefined && process.env.KUBERNETES_SERVICE_HOST !== undefined) {
    return podConnection(process.env, systemClock)
  }
  throw new ConnectionError(`there is no kubeconfig file ${file}: give --kubeconfig FILE or set KUBECONFIG`)
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

process.exitCode = await runProgram(process.argv.slice(2), {
  connect: async place => {
    const found = await connection(place)
    const client = new HttpKubeClient({ connection: found, clock: systemClock, userAgent: 'kubectl-kafscale' })
    const namespace = place.allNamespaces ? undefined : (place.namespace ?? found.namespace)
    return {
      session: { client, clock: systemClock, namespace, print, writeFile, readFile, environment: process.env },
      close: () => client.close(),
    }
  },
  print,
  complain: text => process.stderr.write(`${text}\n`),
})
