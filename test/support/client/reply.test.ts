import { beforeAll, describe, expect, test } from 'vitest';
import { around, ToyCa } from '../toy/ca_server.ts';
import { toyCa } from '../toy/authority.ts';
import { ztunnelCsr, type Csr } from './csr.ts';
import { ReplyError, readPilotReply, readReply } from './reply.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/a';
const OTHER = 'spiffe://cluster.local/ns/default/sa/b';
let ca: ToyCa;
let csr: Csr;
let leaf: string;

beforeAll(() => {
  ca = new ToyCa();
  csr = ztunnelCsr(ID);
  leaf = ca.leaf({ identity: ID, spki: csr.spki });
});

const fault = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof ReplyError) return `${error.fault}: ${error.message}`;
    throw error;
  }
  return 'accepted';
};

describe('ztunnel', () => {
  test('takes [leaf, intermediate, roots]', () => {
    const read = readReply([leaf, ca.intermediate.pem, ca.root.pem], csr.key, ID);
    expect(read.identity).toBe(ID);
    expect(read.intermediates).toHaveLength(1);
    expect(read.roots).toHaveLength(1);
  });

  test('takes every block of the last element as a root', () => {
    const second = toyCa('second root', around(1_000, 60_000));
    expect(readReply([leaf, ca.intermediate.pem, ca.root.pem + second.pem], csr.key, ID).roots).toHaveLength(2);
  });

  test('reads only the first block of each element but the last', () => {
    expect(readReply([leaf + ca.intermediate.pem, ca.root.pem], csr.key, ID).intermediates).toHaveLength(0);
    expect(readReply([leaf, ca.intermediate.pem + ca.root.pem, ca.root.pem], csr.key, ID).intermediates).toHaveLength(
      1,
    );
  });

  test('loses a root glued to the one before without a newline', () => {
    const glued = ca.root.pem.trimEnd() + ca.root.pem;
    expect(readReply([leaf, ca.intermediate.pem, glued], csr.key, ID).roots).toHaveLength(1);
  });

  test('takes CRLF and text between the blocks', () => {
    const commented = `the roots\r\n${ca.root.pem.replaceAll('\n', '\r\n')}\r\n# end`;
    expect(readReply([leaf, ca.intermediate.pem, commented], csr.key, ID).roots).toHaveLength(1);
  });

  test.each([
    ['an empty list', () => [], 'EmptyResponse'],
    ['a leaf alone', () => [leaf], 'InvalidRootCert'],
    ['an empty middle element', () => [leaf, '', ca.root.pem], 'CertificateParseError: no certificate'],
    [
      'another PEM block among the roots',
      () => [leaf, ca.root.pem + csr.keyPem],
      'CertificateParseError: no certificate',
    ],
    ['another PEM block as the leaf', () => [csr.pem, ca.root.pem], 'CertificateParseError: no certificate'],
  ])('refuses %s', (_, chain, expected) => {
    expect(fault(() => readReply(chain(), csr.key, ID))).toContain(expected);
  });

  test('refuses another identity in shared mode and takes it in dedicated mode', () => {
    const foreign = [ca.leaf({ identity: OTHER, spki: csr.spki }), ca.intermediate.pem, ca.root.pem];
    expect(fault(() => readReply(foreign, csr.key, ID))).toContain('SanError');
    expect(readReply(foreign, csr.key).identity).toBe(OTHER);
  });

  test('sees no identity in a URI of another shape', () => {
    const odd = ca.leaf({ identity: 'spiffe://cluster.local/ns/default/sa/a/x', spki: csr.spki });
    expect(readReply([odd, ca.root.pem], csr.key).identity).toBeUndefined();
  });
});

describe('pilot-agent', () => {
  test('sends every element and trusts the last', () => {
    const read = readPilotReply([leaf, ca.intermediate.pem, ca.root.pem]);
    expect(read.certChainPem).toBe(leaf + ca.intermediate.pem + ca.root.pem);
    expect(read.rootPem).toBe(ca.root.pem);
  });

  test.each([[[]], [['leaf']]])('refuses a chain of %j', (chain) => {
    expect(fault(() => readPilotReply(chain))).toContain('invalid empty CertChain');
  });
});
