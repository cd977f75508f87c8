import { createTxtResolver } from '../attribute/dkim-resolver.ts'
import { dkimThreadDefaults } from '../attribute/dkim-thread.ts'
import { readFeedbackLoops } from '../attribute/feedback-loops.ts'
import { createKeyring } from '../attribute/keyring.ts'
import { createSenderVerifier } from '../attribute/verified-sender.ts'
import { loadRules } from '../classify/rules.ts'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { createParser } from '../parse/parse.ts'
import type { ReplayDeps } from '../stored-decision.ts'
import { createErasure } from '../suppression/erased.ts'
import { createDomainDirectory } from '../tenant/inbound-domains.ts'
import { feedbackLoopsFile, rulesDirectory } from './package-root.ts'
import { withStorage } from './with-storage.ts'

/** Opens all that it takes to decide stored messages again, for one command. */
export async function withReplay<T>(work: (deps: ReplayDeps) => Promise<T>): Promise<T> {
  const config = readConfig()
  const rules = loadRules(rulesDirectory(), config.rulesDir)
  const { feedbackLoopsFile: own } = config
  const { loops } = readFeedbackLoops([feedbackLoopsFile(), ...(own === null ? [] : [own])])
  return withStorage(async ({ db, secret }) => {
    const parser = createParser()
    const resolveTxt = createTxtResolver(config.dnsServers)
    const senders = createSenderVerifier({ loops, resolveTxt, thread: dkimThreadDefaults })
    try {
      return await work({
        db,
        keyring: createKeyring(db, secret),
        findDomain: createDomainDirectory(db),
        erasure: createErasure(db, secret),
        parser,
        senders,
        rules,
        log: createLog('warn'),
        now: () => new Date(),
      })
    } finally {
      await senders.close()
      await parser.close()
    }
  })
}
