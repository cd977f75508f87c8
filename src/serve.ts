import type { Config } from './config.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { createLog, type Log } from './log.ts'

/** Runs until SIGTERM or SIGINT; resolves when everything is closed. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel)
  const daemon = await startDaemon(config, log)
  if (daemon.bootstrapped) process.stdout.write(firstSteps(daemon))
  await closeAtSignal(daemon, log)
}

/** A second signal ends the process at once. */
export async function closeAtSignal(daemon: Daemon, log: Log): Promise<void> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  log.info(`${signal}: closing`)
  await daemon.close()
  log.info('closed')
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
