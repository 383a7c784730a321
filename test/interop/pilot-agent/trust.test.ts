import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { sleep } from '../../support/processes.ts';
import { podToken } from '../../support/token.ts';
import { around } from '../../support/toy/ca_server.ts';
import { toyCa } from '../../support/toy/authority.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { skipWithout } from '../support/binaries.ts';
import { meshOf, workload } from '../ztunnel/workloads.ts';
import { PilotAgents } from './lab.ts';
import { ROOT_FILE, TOKEN_FILE } from './real_pilot_agent.ts';

const [A, B, UNKNOWN] = [workload('a', 2), workload('b', 3), workload('unknown', 4)];
const env = { ECC_SIGNATURE_ALGORITHM: 'ECDSA' };
/** In which the binary tries five times and begins anew. */
const A_FEW_TRIES = 3_000;

describe.skipIf(skipWithout('pilot-agent trust', 'PILOT_AGENT_BIN'))('what the real pilot-agent goes by', () => {
  const agents = new PilotAgents();
  let dev: Dev;

  beforeAll(async () => {
    dev = await Dev.start({ pods: [A, B] });
  });
  afterAll(() => dev.stop());
  afterEach(() => agents.stop());

  test('is the file of ConfigMap istio-ca-root-cert, and the token at the path of the projected one', async () => {
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env });
    expect(faultsOf(await agent.written(), dev.identity(A))).toEqual([]);
    expect(agent.log).toContain(`cert with certs: ${ROOT_FILE}`);
    expect(agent.log).toContain('using credential fetcher of JWT type');
  });

  test('is the file that CA_ROOT_CA names, where there is no ConfigMap', async () => {
    const files = { 'roots/ours.pem': dev.rootPem, [TOKEN_FILE]: dev.token(A) };
    const own = { ...env, CA_ROOT_CA: 'roots/ours.pem', XDS_ROOT_CA: 'roots/ours.pem' };
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env: own, files });
    expect(faultsOf(await agent.written(), dev.identity(A))).toEqual([]);
    expect(agent.log).toContain('cert with certs: roots/ours.pem');
  });

  test('is a root that it does not take another’s CA for, and that it reads again when it has changed', async () => {
    const { pem } = toyCa('another root', around(60_000, 3_600_000));
    const files = { [ROOT_FILE]: pem, [TOKEN_FILE]: dev.token(A) };
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env, files });
    await agent.said('certificate signed by unknown authority');
    await sleep(A_FEW_TRIES);
    expect(agent.held).toBeUndefined();
    agent.write(ROOT_FILE, dev.rootPem);
    expect(faultsOf(await agent.written(), dev.identity(A))).toEqual([]);
  });

  test.each([
    ['of a pod that is not there', (): string => dev.token(UNKNOWN), 'Unauthenticated'],
    ['that has expired', (): string => podToken(dev.issuer, A, Date.now() - 86_400_000, 3_600), 'Unauthenticated'],
    ['of another service account than the CSR names', (): string => dev.token(B), 'InvalidArgument'],
  ])('is a token: one %s gets nothing, and the next one is read without a restart', async (_, token, code) => {
    const files = { [ROOT_FILE]: dev.rootPem, [TOKEN_FILE]: token() };
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env, files });
    await agent.said(`code = ${code}`);
    await sleep(A_FEW_TRIES);
    expect(agent.held).toBeUndefined();
    expect(agent.log).not.toMatch(/code = PermissionDenied/);
    agent.write(TOKEN_FILE, dev.token(A));
    expect(faultsOf(await agent.written(), dev.identity(A))).toEqual([]);
  });
});
