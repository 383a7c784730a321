import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import type { SyncSigner } from '../../../pki/src/crypto/port.ts';
import { unsignedInteger } from '../../../pki/src/der/writer.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import { testIntermediate, testRoot, type Authority } from '../../pki/authority.ts';
import { leafExtensions } from '../../pki/chain/chains.ts';
import { dns, ip, mail, signTbs, uri, writeTbs } from '../../pki/tbs.ts';
import type { Material } from './secrets.ts';

const HOUR = 3_600_000;
const port = nodeCrypto();
const pem = (der: Uint8Array): string => encodePem('CERTIFICATE', der);
/** A certificate's time is of whole seconds. */
const time = (ms: number): Uint8Array => encodeTime(ms - (ms % 1_000));

export const identity = (name: string, trustDomain = 'cluster.local'): string =>
  `spiffe://${trustDomain}/ns/default/sa/${name}`;

/** The authorities of a trust domain, as the product makes them, and another's that were made in the same way. */
export interface Authorities {
  readonly root: Authority;
  readonly svid: Authority;
  readonly serving: Authority;
  readonly foreignRoot: Authority;
  readonly foreignSvid: Authority;
}

/** @param now ms since 1970; nothing below them may be older. */
export async function makeAuthorities(now: number): Promise<Authorities> {
  const [root, foreignRoot] = [await testRoot('ec-p256', now), await testRoot('ec-p256', now)];
  return {
    root,
    svid: await testIntermediate(root, 'svid', { now }),
    serving: await testIntermediate(root, 'serving', { now }),
    foreignRoot,
    foreignSvid: await testIntermediate(foreignRoot, 'svid', { now }),
  };
}

interface Issuer {
  readonly certificate: Uint8Array;
  readonly signer: SyncSigner;
}

interface Leaf extends Issuer {
  readonly keyPem: string;
}

interface Life {
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** With the extensions of an SVID, by the writer of the tests, which refuses nothing. */
function leafBy(issuer: Issuer, names: readonly Uint8Array[], life: Life = {}): Leaf {
  const { notBefore = Date.now() - 60_000, notAfter = Date.now() + HOUR } = life;
  const signer = generateNodeKey('ec-p256');
  const tbs = writeTbs({
    serial: unsignedInteger(Uint8Array.of(0x40, ...port.random(15))),
    algorithm: signatureAlgorithmDer(issuer.signer.algorithm),
    issuer: parseCertificate(issuer.certificate).subject,
    notBefore: time(notBefore),
    notAfter: time(notAfter),
    spki: signer.spki,
    extensions: leafExtensions({ names }),
  });
  return { certificate: signTbs(tbs, issuer.signer), signer, keyPem: encodePem('PRIVATE KEY', signer.pkcs8) };
}

/** Whatever it presents, it trusts our root, so that only its own certificate can be what is refused. */
function presenting({ root }: Authorities, { keyPem, certificate }: Leaf, above: readonly Uint8Array[]): Material {
  const rootPem = pem(root.certificate);
  return { keyPem, chainPem: [certificate, ...above].map(pem).join('') + rootPem, rootPem };
}

type Present = (of: Authorities) => Material;

const bySvid =
  (names: readonly Uint8Array[], life?: () => Life): Present =>
  (of) =>
    presenting(of, leafBy(of.svid, names, life?.()), [of.svid.certificate]);

/** Nothing is wrong with it. */
export const sound = (name: string): Present => bySvid([uri(identity(name))]);

export interface RefusedPeer {
  /** After "a peer". */
  readonly what: string;
  /** Envoy's counter of it. */
  readonly counter: 'fail_verify_error' | 'fail_verify_san';
  readonly present: Present;
}

const PEER = uri(identity('peer'));

export const REFUSED: readonly RefusedPeer[] = [
  {
    what: 'under the root of another CA',
    counter: 'fail_verify_error',
    present: (of) =>
      presenting(of, leafBy(of.foreignSvid, [PEER]), [of.foreignSvid.certificate, of.foreignRoot.certificate]),
  },
  {
    what: 'whose leaf another CA signed, under an intermediate of ours',
    counter: 'fail_verify_error',
    present: (of) => {
      const posing = { certificate: of.svid.certificate, signer: of.foreignSvid.signer };
      return presenting(of, leafBy(posing, [PEER]), [of.svid.certificate]);
    },
  },
  {
    what: 'that leaves its intermediate out',
    counter: 'fail_verify_error',
    present: (of) => presenting(of, leafBy(of.svid, [PEER]), []),
  },
  {
    what: 'whose certificate was signed by that of a workload',
    counter: 'fail_verify_error',
    present: (of) => {
      const workload = leafBy(of.svid, [uri(identity('other'))]);
      return presenting(of, leafBy(workload, [PEER]), [workload.certificate, of.svid.certificate]);
    },
  },
  {
    what: 'whose leaf has expired',
    counter: 'fail_verify_error',
    present: bySvid([PEER], () => ({ notBefore: Date.now() - 2 * HOUR, notAfter: Date.now() - HOUR })),
  },
  {
    what: 'whose leaf is not valid yet',
    counter: 'fail_verify_error',
    present: bySvid([PEER], () => ({ notBefore: Date.now() + HOUR, notAfter: Date.now() + 2 * HOUR })),
  },
  {
    what: 'of another trust domain, under our root',
    counter: 'fail_verify_san',
    present: bySvid([uri(identity('peer', 'cluster.example'))]),
  },
  {
    what: 'with the name of the control plane and no identity, by the `serving` intermediate',
    counter: 'fail_verify_san',
    present: (of) => presenting(of, leafBy(of.serving, [dns('istiod.istio-system.svc')]), [of.serving.certificate]),
  },
  // What whoever steals the `svid` intermediate would want to make: its name constraints forbid it (DESIGN §4).
  ...(
    [
      ['a DNS name', dns('istiod.istio-system.svc')],
      ['an IPv4 address', ip(10, 0, 0, 1)],
      ['an e-mail address', mail('root@example.com')],
    ] as const
  ).map(([name, other]): RefusedPeer => ({
    what: `that has ${name} beside its identity, by the \`svid\` intermediate`,
    counter: 'fail_verify_error',
    present: bySvid([PEER, other]),
  })),
];
