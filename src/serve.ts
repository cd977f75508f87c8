import { type Config, readConfig } from './config.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { createLog, type Log } from './log.ts'

/** Runs until SIGTERM or SIGINT; resolves when everything is closed. */
export async function serve(config: Config): Promise<void> {
  const stopping = stopSignal()
  const log = createLog(config.logLevel)
  // A full disk under it is no reason to stop either.
  process.stdout.on('error', (err) => log.error({ err }, 'standard output cannot be written'))
  const daemon = await startDaemon(config, log)
  try {
    if (daemon.bootstrapped) process.stdout.write(firstSteps(daemon))
    if (config.smtp.tls) process.on('SIGHUP', () => reloadTls(daemon, log))
    log.info(`${await stopping}: closing`)
  } finally {
    await daemon.close()
  }
  log.info('closed')
}

/** A certificate lives for weeks, the daemon for longer. */
function reloadTls(daemon: Daemon, log: Log): void {
  try {
    const { tls } = readConfig().smtp
    if (tls) daemon.reloadTls(tls)
    log.info('TLS key and certificate loaded again')
  } catch (err) {
    log.error({ err }, 'TLS key and certificate stay as they were')
  }
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
  const { tenant, domain, apiKey, isKeyGiven } = bootstrapped
  const key = apiKey ?? (isKeyGiven ? '$HEARBACK_BOOTSTRAP_API_KEY' : '$KEY')
  const keyLine =
    apiKey === null
      ? `  API key             \`hearback key add --tenant ${tenant}\` makes one`
      : `  API key             ${apiKey}  (shown only now)`
  return [
    '',
    `hearback is ready for tenant ${tenant}.`,
    `  feedback by SMTP    ${smtp.host}:${smtp.port}  to bounces@${domain}`,
    ...(isKeyGiven ? [] : [keyLine]),
    '  see what is listed',
    `    curl -H "Authorization: Bearer ${key}" http://${http.host}:${http.port}/v3/suppression/bounces`,
    '',
    '',
  ].join('\n')
}
