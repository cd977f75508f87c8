import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadSamples } from '../../src/samples.ts'
import { type Program, startProgram } from '../support/daemon.ts'

test('the demo shows what became of every sample, serves, and ends without a trace at Ctrl-C', async () => {
  const place = await createPlace(0o755)
  const program = startDemo(place)

  await program.said('stdout', /Serving until Ctrl-C/)
  const said = program.stdout()

  const samples = loadSamples()
  const shown = samples.filter(({ inDemo }) => inDemo)
  expect(shown.length).toBeGreaterThanOrEqual(20)
  const lines = said.split('\n')
  for (const { name, bounces, spamReports, globalUnsubscribes } of shown) {
    const line = lines.find((one) => one.startsWith(`${name} `))
    expect(line, name).toMatch(/^\S+ +250 /)
    for (const email of [
      ...bounces.map((bounce) => bounce.email),
      ...spamReports,
      ...globalUnsubscribes,
    ]) {
      expect(
        lines.some((one) => one.startsWith(`${email} `) || one.trim() === email),
        email,
      ).toBe(true)
    }
  }
  expect(said).toContain(`and ${samples.length - shown.length} more of samples/: `)
  const total = (emails: (sample: (typeof samples)[number]) => readonly unknown[]) =>
    samples.reduce((sum, sample) => sum + emails(sample).length, 0)
  expect(said).toContain(`/v3/suppression/bounces: ${total(({ bounces }) => bounces)} addresses`)
  expect(said).toContain(
    `/v3/suppression/spam_reports: ${total(({ spamReports }) => spamReports)} addresses`,
  )
  const [, curl = '', key = '', url = ''] =
    /(curl -H "Authorization: Bearer (\S+)" (\S+))/.exec(said) ?? []
  expect(curl).not.toBe('')
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
  expect(answer.status).toBe(200)

  program.signal('SIGINT')
  expect(await program.exited).toEqual({ code: 0, signal: null })
  expect(await readdir(place)).toEqual([])
  expect(await processesIn(place)).toEqual([])
  expect(program.stderr()).toBe('')
})

test('a demo in a folder that only its user may enter leaves nothing elsewhere', async () => {
  const place = await createPlace(0o700)
  const program = startDemo(place)
  await program.said('stdout', /Serving until Ctrl-C/)
  const [name = ''] = await readdir(place)
  const cluster = await realpath(join(place, name, 'postgres'))
  program.signal('SIGTERM')
  expect(await program.exited).toEqual({ code: 0, signal: null })
  expect(existsSync(dirname(cluster))).toBe(false)
  expect(await readdir(place)).toEqual([])
})

async function createPlace(mode: number): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'hearback-e2e-demo-'))
  await chmod(place, mode)
  onTestFinished(() => rm(place, { recursive: true, force: true }))
  return place
}

function startDemo(place: string): Program {
  const program = startProgram(['demo'], { env: { TMPDIR: place }, cwd: place })
  onTestFinished(async () => {
    program.signal('SIGTERM')
    await program.exited
  })
  return program
}

/** Linux only; elsewhere the empty folder has to do. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = await readdir('/proc').catch(() => [])
  const commands = await Promise.all(
    pids
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return commands.filter((command) => command.includes(folder))
}
