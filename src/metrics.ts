import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Feedback, Outcome } from './feedback/feedback.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** Everything that /metrics shows. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const outcomes = new Counter({
    name: 'hearback_outcomes_total',
    help: 'Messages by what became of them, one for each RCPT TO',
    labelNames: ['result', 'reason'],
    registers,
  })
  const feedback = new Counter({
    name: 'hearback_feedback_total',
    help: 'Bounces, spam reports and unsubscribes recorded',
    labelNames: ['kind', 'class', 'reason', 'evidence'],
    registers,
  })
  const storageFailures = new Counter({
    name: 'hearback_storage_failures_total',
    help: 'Writes that failed; alert on defect',
    labelNames: ['failure'],
    registers,
  })
  const batchMessages = new Histogram({
    name: 'hearback_batch_messages',
    help: 'Messages that shared one commit',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
    registers,
  })
  const smtpConnections = new Gauge({
    name: 'hearback_smtp_connections',
    help: 'SMTP connections now open',
    registers,
  })
  const smtpReplies = new Counter({
    name: 'hearback_smtp_rejections_total',
    help: 'Commands and messages refused or deferred, by enhanced status',
    labelNames: ['status'],
    registers,
  })
  const receivedBytes = new Counter({
    name: 'hearback_received_bytes_total',
    help: 'Bytes of the messages taken in',
    registers,
  })
  const unsignedDomains = new Gauge({
    name: 'hearback_public_domains_accepting_any',
    help: 'Domains with a public name that believe unsigned reports; should be 0',
    registers,
  })
  return {
    registry,
    outcomes,
    feedback,
    storageFailures,
    batchMessages,
    smtpConnections,
    smtpReplies,
    receivedBytes,
    unsignedDomains,
  }
}

export function countOutcome(metrics: Metrics, outcome: Outcome): void {
  const { result } = outcome
  metrics.outcomes.inc({ result, reason: 'reason' in outcome ? outcome.reason : '' })
  if (result === 'recorded') for (const one of outcome.feedback) countFeedback(metrics, one)
}

export function countFeedback(metrics: Metrics, feedback: Feedback): void {
  const classification = feedback.kind === 'bounce' ? feedback.classification : null
  metrics.feedback.inc({
    kind: feedback.kind,
    class: classification?.bounceClass ?? '',
    reason: classification?.reason ?? '',
    evidence: feedback.attribution.evidence,
  })
}
