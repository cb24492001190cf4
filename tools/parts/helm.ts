// Helm, with which the chart is rendered and installed.

import { goProgram, goProgramPresent } from './go.ts'

const HELM = 'helm.sh/helm/v4/cmd/helm@v4.2.0'

export const helm = (): Promise<string> => goProgram('helm', HELM)

export const helmPresent = async (): Promise<boolean> => goProgramPresent('helm', HELM)
