import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Feedback, Outcome, Resubscribe } from './feedback/feedback.ts'

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
    help: 'Bounces, spam reports, unsubscribes and returns recorded',
    labelNames: ['kind', 'class', 'reason', 'evidence'],
    registers,
  })
  const reports = new Counter({
    name: 'hearback_reports_total',
    help: 'Bounces and complaints by sender of feedback loops, tenant, and whether they are whose',
    labelNames: ['feed', 'tenant', 'result'],
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
    reports,
    storageFailures,
    batchMessages,
    smtpConnections,
    smtpReplies,
    receivedBytes,
    unsignedDomains,
    ...brakeMetrics(registers),
  }
}

/** Of what only shows when something is wrong. */
function brakeMetrics(registers: Registry[]) {
  const heldReports = new Counter({
    name: 'hearback_held_reports_total',
    help: 'Hard and block reports held back as a storm; alert when it grows',
    registers,
  })
  const undecidedReports = new Gauge({
    name: 'hearback_undecided_reports',
    help: 'Complaints of the last day whose signature could not be verified yet; they are tried again',
    registers,
  })
  const forgedReturnPaths = new Counter({
    name: 'hearback_forged_return_paths_total',
    help: 'RCPT TO refused because it looks like a return path of ours and is none',
    registers,
  })
  const redisUp = new Gauge({
    name: 'hearback_redis_up',
    help: '1 while the Redis of REDIS_URL answers; nothing but shared counts depends on it',
    registers,
  })
  const redisFailures = new Counter({
    name: 'hearback_redis_failures_total',
    help: 'Commands that Redis refused or left without an answer',
    registers,
  })
  return { heldReports, undecidedReports, forgedReturnPaths, redisUp, redisFailures }
}

export function countOutcome(metrics: Metrics, outcome: Outcome): void {
  const { result } = outcome
  metrics.outcomes.inc({ result, reason: 'reason' in outcome ? outcome.reason : '' })
  if (result === 'recorded') for (const one of outcome.feedback) countFeedback(metrics, one)
}

/** Of what a feed reports about the mail of a tenant, the share that stays unattributed. */
export function countReport(
  metrics: Metrics,
  feed: string,
  tenantId: number,
  { result }: Outcome,
): void {
  if (result !== 'recorded' && result !== 'unattributed') return
  metrics.reports.inc({ feed, tenant: String(tenantId), result })
}

export function countFeedback(metrics: Metrics, feedback: Feedback | Resubscribe): void {
  const classification = feedback.kind === 'bounce' ? feedback.classification : null
  metrics.feedback.inc({
    kind: feedback.kind,
    class: classification?.bounceClass ?? '',
    reason: classification?.reason ?? '',
    evidence: feedback.attribution.evidence,
  })
}
