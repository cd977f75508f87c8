import type { Config } from './config.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { createLog } from './log.ts'

/** Runs until SIGTERM or SIGINT; resolves when everything is closed. */
export async function serve(config: Config): Promise<void> {
  const stopping = stopSignal()
  const log = createLog(config.logLevel)
  const daemon = await startDaemon(config, log)
  try {
    if (daemon.bootstrapped) process.stdout.write(firstSteps(daemon))
    log.info(`${await stopping}: closing`)
  } finally {
    await daemon.close()
  }
  log.info('closed')
}

/**
 * SIGTERM or SIGINT. Ask before the start: one that comes during it must not leave a PostgreSQL
 * behind. A second signal ends the process at once.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}

/** What somebody needs who has just made his first tenant; the key is not shown again. */
export function firstSteps({ bootstrapped, smtp, http }: Daemon): string {
  if (!bootstrapped) return ''
  const { tenant, domain, apiKey } = bootstrapped
  const key = apiKey ?? '$HEARBACK_BOOTSTRAP_API_KEY'
  return [
    '',
    `hearback is ready for tenant ${tenant}.`,
    `  feedback by SMTP    ${smtp.host}:${smtp.port}  to bounces@${domain}`,
    ...(apiKey === null ? [] : [`  API key             ${apiKey}  (shown only now)`]),
    '  see what is listed',
    `    curl -H "Authorization: Bearer ${key}" http://${http.host}:${http.port}/v3/suppression/bounces`,
    '',
    '',
  ].join('\n')
}
