import { benchCheck } from './check.ts'
import { benchImport } from './import.ts'
import { benchList } from './list.ts'
import { benchParse } from './parse.ts'
import { benchSmtp } from './smtp.ts'

const benchmarks: Record<string, () => Promise<void>> = {
  check: benchCheck,
  import: benchImport,
  list: benchList,
  parse: benchParse,
  smtp: benchSmtp,
}

const [name = ''] = process.argv.slice(2)
const run = benchmarks[name]
if (run) await run()
else {
  console.error(`npm run bench -- NAME, one of: ${Object.keys(benchmarks).join(', ')}`)
  process.exitCode = 64
}
