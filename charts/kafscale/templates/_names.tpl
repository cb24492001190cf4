{{- define "kafscale.name" -}}
{{- if contains "kafscale" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-kafscale" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "kafscale.selector" -}}
app.kubernetes.io/name: kafscale-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kafscale.labels" -}}
{{ include "kafscale.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{- define "kafscale.account" -}}
{{- if .Values.serviceAccount.create -}}{{ default (include "kafscale.name" .) .Values.serviceAccount.name }}{{- else -}}{{ required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}{{- end -}}
{{- end }}

{{- define "kafscale.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "kafscale.watched" -}}
{{ default .Release.Namespace .Values.watchNamespace }}
{{- end }}
