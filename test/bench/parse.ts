import { spawnSync } from 'node:child_process'
import { simpleParser } from 'mailparser'
import { classify } from '../../src/classify/classify.ts'
import { loadRules } from '../../src/classify/rules.ts'
import { rulesDirectory } from '../../src/cli/package-root.ts'
import { createParser } from '../../src/parse/parse.ts'
import { printRounds, type Round } from './figures.ts'
import { loadMessages, standardReports } from './messages.ts'
import { benchPathological } from './pathological.ts'

const rounds = 5
const passMs = 2_000

type Reader = (raw: Buffer) => Promise<unknown>

/**
 * Parse and classify in one process, beside mailparser (which only parses) and, where it is
 * installed, Sisimai; then inputs that were made to hurt.
 */
export async function benchParse(): Promise<void> {
  const messages = loadMessages()
  const standard = standardReports(messages.raws)
  const parser = createParser()
  const rules = loadRules(rulesDirectory())
  const hearback: Reader = async (raw) => {
    const report = await parser.parse(raw)
    if (report.type !== 'delivery-status') return
    for (const recipient of report.recipients) {
      if (recipient.action === 'failed') classify(rules, recipient)
    }
  }
  const contenders: Record<string, () => Promise<number>> = {
    'hearback, RFC 3464': () => messagesPerSecond(hearback, standard),
    'hearback, all': () => messagesPerSecond(hearback, messages.raws),
    'mailparser, all': () => messagesPerSecond((raw) => simpleParser(raw), messages.raws),
  }
  if (sisimaiPerSecond(messages.files, 1) === null) {
    console.log('Sisimai is not installed (Debian: libsisimai-perl)')
  } else {
    contenders['Sisimai, all'] = async () => sisimaiPerSecond(messages.files, passMs) ?? Number.NaN
  }
  const results: Round[] = []
  for (let round = -1; round < rounds; round++) {
    const result: Round = {}
    for (const [name, run] of Object.entries(contenders)) result[name] = await run()
    if (round >= 0) results.push(result)
  }
  await parser.close()
  console.log(`${messages.name}, ${standard.length} of them RFC 3464; median of ${rounds} rounds`)
  printRounds('msg/s', results, contenders['Sisimai, all'] ? 'Sisimai, all' : 'mailparser, all')
  await benchPathological()
}

async function messagesPerSecond(read: Reader, raws: readonly Buffer[]): Promise<number> {
  const begin = performance.now()
  let count = 0
  while (performance.now() - begin < passMs) {
    for (const raw of raws) await read(raw)
    count += raws.length
  }
  return (count * 1000) / (performance.now() - begin)
}

/** `null` when Perl cannot load it. Warm: the first pass over the files is not counted. */
function sisimaiPerSecond(files: readonly string[], forMs: number): number | null {
  const program = `
    use strict; use warnings; use Time::HiRes 'time'; use Sisimai;
    chomp(my @files = <STDIN>);
    my $make = Sisimai->can('rise') ? 'rise' : 'make';
    my $pass = sub { for (@files) { eval { Sisimai->$make($_) } } };
    $pass->();
    my ($begin, $count) = (time, 0);
    do { $pass->(); $count += @files } while ((time - $begin) * 1000 < ${forMs});
    print $count / (time - $begin);`
  const run = spawnSync('perl', ['-e', program], { input: files.join('\n'), encoding: 'utf8' })
  return run.status === 0 ? Number(run.stdout) : null
}
