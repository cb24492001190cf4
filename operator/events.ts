// Every event that the operator records, by reason.

export const EVENTS = {
  TopicOrphaned: {
    type: 'Warning',
    action: 'DeleteTopic',
    meaning: 'A topic that was to be deleted stays, because its cluster is gone or did not answer in time.',
  },
} as const
