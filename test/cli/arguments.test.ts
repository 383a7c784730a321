import { describe, expect, test } from 'vitest';
import { EXIT } from '../../cli/src/errors.ts';
import { run, temporaryFile } from './run.ts';

function keys(): string {
  return temporaryFile('jwks.json', '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}');
}

describe('what is typed wrong is refused with exit code 2, and says what to type', () => {
  test.each([
    ['a misspelt command offers the near one', ['cluser', 'list'], 'Did you mean cluster?'],
    ['a misspelt subcommand offers the near one', ['root', 'crate'], 'Did you mean create?'],
    ['a misspelt option offers the near one', ['root', 'list', '--trust-domian', 'x'], 'Did you mean --trust-domain?'],
    ['an unknown format lists the known ones', ['root', 'list', '-o', 'yaml'], 'Allowed choices are text, json'],
    ['an unknown key type lists the known ones', ['root', 'create', '--key-type', 'p521'], 'ec-p256, ec-p384'],
    ['a missing option is named', ['cert', 'list'], '--cluster'],
    ['a token needs an account', ['token'], '--service-account'],
    ['an account without a namespace', ['token', '--service-account', 'productpage'], 'NAMESPACE/NAME'],
    ['an account with capital letters', ['token', '--service-account', 'Bookinfo/x'], 'NAMESPACE/NAME'],
    ['a bare number is no duration', ['token', '--service-account', 'a/b', '--ttl', '60'], 'as in 90s'],
    ['a limit beyond a page', ['cert', 'list', '--cluster', 'x', '--limit', '501'], '1 to 500'],
    ['a port beyond 65535', ['dev', 'start', '--port', '65536'], '0 to 65535'],
    ['a surplus argument', ['bundle', 'cluster.local'], 'too many arguments'],
  ])('%s', async (_, args, said) => {
    const { code, out, err } = await run(args);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(err).toContain(said);
  });

  test('with -o json the error is one JSON document', async () => {
    const { code, out, err } = await run(['root', 'list', '-o', 'json', '--nope']);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'usage', exitCode: EXIT.usage } });
  });
});

describe('which CA', () => {
  test.each([
    ['none', {}, [], '--ca https://'],
    ['not a URL', {}, ['--ca', 'ca.example.com'], 'scheme, host and port only'],
    ['a path', {}, ['--ca', 'https://ca.example.com/v1'], 'scheme, host and port only'],
    ['plain http beyond loopback', {}, ['--ca', 'http://ca.example.com'], 'use https://'],
    ['a token that is not named', { AMBIENT_CA_URL: 'http://127.0.0.1:1' }, [], 'ambient-ca bootstrap'],
    [
      'a token file that is not there',
      {},
      ['--ca', 'http://127.0.0.1:1', '--token-file', '/nonexistent'],
      'does not exist',
    ],
  ])('%s is refused', async (_, env, args, said) => {
    const { code, err } = await run(['trust-domain', 'list', ...args], env);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(said);
  });

  test('a token file of several lines is refused, and its content is not printed', async () => {
    const file = temporaryFile('token', 'secret-one\nsecret-two\n');
    const { code, err } = await run(['root', 'list', '--ca', 'http://127.0.0.1:1', '--token-file', file]);
    expect(code).toBe(EXIT.usage);
    expect(err).not.toContain('secret');
  });

  test('a CA that does not answer is exit code 6', async () => {
    const file = temporaryFile('token', 'secret\n');
    const { code, err } = await run(['trust-domain', 'list', '--ca', 'http://127.0.0.1:1', '--token-file', file]);
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain('ECONNREFUSED');
    expect(err).toContain('next:');
  });
});

describe('cluster enrol checks its input before it asks the CA', () => {
  const base = ['cluster', 'enrol', 'east', '--token-issuer', 'https://k', '--ca', 'http://127.0.0.1:1'];

  test.each([
    ['no namespace', () => ['--jwks', keys()], "--namespace '*'"],
    ['no serving name', () => ['--jwks', keys(), '--namespace', 'a'], '--serving-name'],
    [
      'a key set that is not JSON',
      () => ['--serving-name', 'a', '--namespace', 'a', '--jwks', temporaryFile('k', 'x')],
      'is not JSON',
    ],
    [
      'an empty key set',
      () => ['--serving-name', 'a', '--namespace', 'a', '--jwks', temporaryFile('k', '{"keys":[]}')],
      'holds no keys',
    ],
    [
      'a symmetric key',
      () => ['--serving-name', 'a', '--namespace', 'a', '--jwks', temporaryFile('k', '{"keys":[{"kty":"oct"}]}')],
      'EC and RSA',
    ],
    [
      'an account without namespace',
      () => ['--serving-name', 'a', '--namespace', 'a', '--jwks', keys(), '--agent-account', 'x'],
      'NAMESPACE/NAME',
    ],
    [
      'further keys without an issuer',
      () => ['--serving-name', 'a', '--namespace', 'a', '--jwks', keys(), '--extra-jwks', 'f'],
      'ISSUER=FILE',
    ],
  ])('%s', async (_, args, said) => {
    const { code, err } = await run([...base, ...args()]);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(said);
  });
});

test('--help names the exit codes and where to start', async () => {
  const { code, out } = await run(['--help']);
  expect(code).toBe(EXIT.ok);
  expect(out).toContain('Exit codes: 0 done');
  expect(out).toContain('npm start');
});
