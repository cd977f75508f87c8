// A process that uses the embedded PostgreSQL as the daemon or a command would. It tells its parent
// `{ connection, note }` or `{ error }`, stops on the message `stop`, and does not mind a Ctrl-C.
import { pathToFileURL } from 'node:url'

const [module, dataDir, purpose] = process.argv.slice(2)
process.on('SIGINT', () => undefined)
// Also when the parent was killed: nothing of a test shall stay.
process.on('disconnect', () => process.exit())
try {
  const { startEmbedded } = await import(pathToFileURL(module).href)
  const log = { info: console.log, error: console.error }
  const { connection, note, stop } = await startEmbedded({ dataDir, purpose, log })
  process.once('message', async () => {
    await stop()
    process.disconnect()
  })
  process.send({ connection, note })
} catch (error) {
  process.send({ error: `${error.name}: ${error.message}` })
  process.disconnect()
}
