import { createServer } from 'node:https';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../../cli/src/errors.ts';
import { run, temporaryFile } from '../run.ts';
import { privateTls } from './private_tls.ts';

describe('a CA behind a private certificate', () => {
  let url: string;
  let rootPem: string;
  let server: ReturnType<typeof createServer>;
  beforeEach(async () => {
    const tls = await privateTls();
    rootPem = tls.rootPem;
    server = createServer({ key: tls.keyPem, cert: tls.certPem }, (_, response) => response.end('{"rows":[]}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `https://localhost:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterEach(() => server.close());
  const list = (...more: string[]) =>
    run(['trust-domain', 'list', '--ca', url, '--token-file', temporaryFile('token', 't\n'), ...more]);

  test('is reached with its root', async () => {
    expect((await list('--ca-cert', temporaryFile('root.pem', rootPem))).code).toBe(EXIT.ok);
  });

  test('without its root is refused, and the error names --ca-cert', async () => {
    const { code, err } = await list();
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain('--ca-cert');
  });

  test('with the root of another is refused', async () => {
    const other = await privateTls();
    expect((await list('--ca-cert', temporaryFile('root.pem', other.rootPem))).code).toBe(EXIT.unavailable);
  });
});

test('a file of roots that holds no certificate is refused before anything is sent', async () => {
  const { code, err } = await run(['bundle', '--ca', 'https://localhost:1', '--ca-cert', temporaryFile('k', 'x')]);
  expect(code).toBe(EXIT.usage);
  expect(err).toContain('no PEM certificate');
});
