import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/documented-responses.ts'],
    globalSetup: ['test/support/database-cluster.ts'],
    // More than cores: most tests wait for a database or a socket.
    maxWorkers: 3,
    // Only what hangs is to fail, also on a machine that does other things at the same time.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
