/** The generated files of `charts/kafscale` and `config`, by path from the root of the repository. */
import { stringify } from 'yaml'
import { GRANTS, OWN_GRANTS, policyRules } from '../../operator/rbac.ts'
import { crdFiles } from '../crds/outputs.ts'
import { argocdFiles } from './argocd.ts'
import { valuesSchemaJson } from './values.ts'

const NAME = 'kafscale-operator'
const YAML = { lineWidth: 0, aliasDuplicateObjects: false }
const HEAD = '# Generated from operator/rbac.ts by `npm run generate`. Do not edit.\n'

const rules = (grants: Parameters<typeof policyRules>[0]): string => stringify(policyRules(grants), YAML)

export function chartFiles(): ReadonlyMap<string, string> {
  const crds = [...crdFiles()].map(([file, text]): [string, string] => [
    file.replace(/^crds\//, 'charts/kafscale/files/crds/'),
    text,
  ])
  return new Map([
    ...crds,
    ['charts/kafscale/files/rules.yaml', rules(GRANTS)],
    ['charts/kafscale/files/own-rules.yaml', rules(OWN_GRANTS)],
    ['charts/kafscale/values.schema.json', valuesSchemaJson()],
    ['config/rbac/role.yaml', `${HEAD}${role()}`],
    ...argocdFiles(),
  ])
}

/** For a namespace that has both the operator and its clusters. */
function role(): string {
  const metadata = { name: NAME }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME }
  const documents = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    { apiVersion, kind: 'Role', metadata, rules: policyRules([...GRANTS, ...OWN_GRANTS]) },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [{ kind: 'ServiceAccount', name: NAME }] },
  ]
  return documents.map(document => stringify(document, YAML)).join('---\n')
}
