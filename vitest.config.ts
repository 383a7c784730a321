import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Secrets of the CA in its tests; they protect nothing. */
const testSecrets = {
  KEK: JSON.stringify({ current: '1', keys: { '1': Buffer.alloc(32, 1).toString('base64') } }),
  BOOTSTRAP_TOKEN: 'bootstrap-token-of-the-tests-0123456789',
};

// Three kinds of test: inside workerd (the CA), in Node (everything else), and end to end (real workerd and agent processes).
export default defineConfig({
  test: {
    globalSetup: 'test/support/temporary_files.ts',
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml', environment: 'dev' },
            miniflare: { bindings: testSecrets },
          }),
        ],
        test: { name: 'ca-service', testTimeout: 30_000, include: ['test/ca-service/**/*.test.ts'] },
      },
      {
        test: {
          name: 'node',
          environment: 'node',
          include: [
            'test/{pki,policies,csr-agent,cli,repository,client,support,bench,conformance,fuzz,vectors}/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/{attacks,chaos,e2e,interop}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
