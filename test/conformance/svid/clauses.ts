import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PkiError } from '../../../pki/src/errors.ts';
import { lintLeaf, prepareLeaf } from '../../../pki/src/leaf/prepare.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../../../pki/src/profiles.ts';
import { NOW } from '../../pki/authority.ts';
import { svidFacts } from '../../pki/leaf/facts.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
} from '../../pki/peculiar.ts';
import { basicConstraints, CA, dns, extendedKeyUsage, extension, keyUsage, san, uri } from '../../pki/tbs.ts';
import { IDENTITY, type Forgery, type Svids } from './svids.ts';

const ROOT = join(import.meta.dirname, '../../..');

interface Heading {
  /** Section of the X.509-SVID standard. */
  readonly clause: string;
  readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'MAY';
  readonly binds: 'issuer' | 'validator' | 'publisher' | 'consumer';
  readonly says: string;
}

/**
 * One thing that the standard says. It is kept, which `faults` shows by what it finds wrong; or another test shows it; or it is not
 * kept, and there is a reason.
 */
export type Clause = Heading &
  (
    | { readonly faults: () => string[] }
    | { readonly faults: () => string[]; readonly because: string }
    | { readonly shownBy: { readonly file: string; readonly test: string } }
  );

const USAGE = {
  digitalSignature: KeyUsageFlags.digitalSignature,
  keyEncipherment: KeyUsageFlags.keyEncipherment,
  keyCertSign: KeyUsageFlags.keyCertSign,
  cRLSign: KeyUsageFlags.cRLSign,
} as const;

const usages = (certificate: X509Certificate): number => certificate.getExtension(KeyUsagesExtension)?.usages ?? 0;
const uses = (certificate: X509Certificate, usage: keyof typeof USAGE): boolean =>
  (usages(certificate) & USAGE[usage]) !== 0;
const names = (certificate: X509Certificate) =>
  certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
const uris = (certificate: X509Certificate): string[] =>
  names(certificate).flatMap(({ type, value }) => (type === 'url' ? [value] : []));

/** Names the certificates of which something does not hold. */
const unless = (certificates: readonly X509Certificate[], holds: (certificate: X509Certificate) => boolean): string[] =>
  certificates.filter((each) => !holds(each)).map((each) => each.subject || each.publicKey.algorithm.name);

/** That no SVID is made for it, by the last rule before the signature. */
const notMade = (id: string) => (): string[] => {
  try {
    lintLeaf(prepareLeaf(svidFacts({ uri: id })), NOW);
    return [`an SVID is made for ${id}`];
  } catch (error) {
    return error instanceof PkiError && error.code === 'lint-refused' ? [] : [String(error)];
  }
};

export function clauses(svids: Svids): Clause[] {
  const { leaves, authorities } = svids;
  const everything = [...leaves, ...authorities];
  /** The agent hands out what is in order, and refuses the forgery for the reason given. */
  const refused = (forgery: Forgery, reason: RegExp, identity?: string) => (): string[] => {
    const said = svids.refusal(forgery, identity);
    const control = svids.refusal();
    return [
      ...(control === null ? [] : [`what is in order is refused: ${control}`]),
      ...(said !== null && reason.test(said) ? [] : [`expected a refusal like ${reason}, got ${said}`]),
    ];
  };
  const onLeaves = (holds: (certificate: X509Certificate) => boolean) => (): string[] => unless(leaves, holds);
  const onAuthorities = (holds: (certificate: X509Certificate) => boolean) => (): string[] =>
    unless(authorities, holds);
  const bundleTest = {
    file: 'test/ca-service/routes/bundle.test.ts',
    test: 'as SPIFFE bundle has one key for each root, with sequence and refresh hint',
  };
  const twoUris = { replace: { san: san([uri(IDENTITY), uri(`${IDENTITY}2`)]) } };
  return [
    {
      clause: '2',
      level: 'MUST',
      binds: 'issuer',
      says: 'exactly one URI SAN',
      faults: onLeaves((leaf) => uris(leaf).length === 1),
    },
    {
      clause: '2',
      level: 'MUST',
      binds: 'issuer',
      says: 'it is the SPIFFE ID',
      faults: onLeaves((leaf) => uris(leaf)[0] === IDENTITY),
    },
    {
      clause: '2',
      level: 'MUST',
      binds: 'validator',
      says: 'more than one URI SAN is refused',
      faults: refused(twoUris, /it is for spiffe:\S+ spiffe:\S+, expected/),
    },
    {
      clause: '2',
      level: 'MAY',
      binds: 'issuer',
      says: 'names of other kinds',
      because: 'none is attested; the svid intermediates are constrained against them',
      faults: () => [
        ...unless(leaves, (leaf) => names(leaf).length === 1),
        ...refused({ replace: { san: san([uri(IDENTITY), dns('a.example')]) } }, /further names/)(),
      ],
    },
    {
      clause: '3.1',
      level: 'MUST',
      binds: 'issuer',
      says: 'a leaf’s SPIFFE ID has a path',
      faults: notMade('spiffe://cluster.local'),
    },
    {
      clause: '3.1',
      level: 'MUST',
      binds: 'issuer',
      says: 'without a subject the SAN is critical',
      faults: onLeaves(
        (leaf) => leaf.subject === '' && leaf.getExtension(SubjectAlternativeNameExtension)?.critical === true,
      ),
    },
    {
      clause: '3.2',
      level: 'SHOULD',
      binds: 'issuer',
      says: 'a signing certificate is itself an SVID',
      because: 'Istio’s CAs carry no SPIFFE ID, and its consumers know a root by its key alone',
      faults: onAuthorities((authority) => names(authority).length === 0),
    },
    {
      clause: '3.2',
      level: 'MUST NOT',
      binds: 'issuer',
      says: 'a path in the SPIFFE ID of a signing certificate',
      faults: onAuthorities((authority) => uris(authority).length === 0),
    },
    {
      clause: '3.2',
      level: 'MUST NOT',
      binds: 'issuer',
      says: 'signing certificates that authenticate',
      faults: onAuthorities((authority) => !uses(authority, 'digitalSignature')),
    },
    {
      clause: '3.2',
      level: 'MUST NOT',
      binds: 'validator',
      says: 'signing certificates that authenticate',
      faults: () => (svids.refusalOfAuthority() === null ? ['an intermediate is handed out as SVID'] : []),
    },
    {
      clause: '4.1',
      level: 'MAY',
      binds: 'issuer',
      says: 'pathLenConstraint in signing certificates',
      faults: () =>
        authorities.map((each) => each.getExtension(BasicConstraintsExtension)?.pathLength).join() === ',1,0'
          ? []
          : ['none, 1 and 0 for root, cross-certificate and intermediate'],
    },
    {
      clause: '4.1',
      level: 'MUST',
      binds: 'issuer',
      says: 'cA is true in signing certificates',
      faults: onAuthorities((authority) => authority.getExtension(BasicConstraintsExtension)?.ca === true),
    },
    {
      clause: '4.1',
      level: 'MUST',
      binds: 'issuer',
      says: 'cA is false in leaves',
      faults: onLeaves((leaf) => leaf.getExtension(BasicConstraintsExtension)?.ca === false),
    },
    {
      clause: '4.2',
      level: 'MAY',
      binds: 'issuer',
      says: 'URI name constraints',
      because: 'newer webpki, that of ztunnel, refuses every SVID below one: they are neither made nor taken',
      faults: () =>
        /chain-name-constraint-kind/.test(svids.refusalBelowUriConstraint() ?? '')
          ? []
          : ['an SVID below one is handed out'],
    },
    {
      clause: '4.3',
      level: 'MUST',
      binds: 'issuer',
      says: 'a critical key usage in all of them',
      faults: () => unless(everything, (each) => each.getExtension(KeyUsagesExtension)?.critical === true),
    },
    {
      clause: '4.3',
      level: 'MUST',
      binds: 'issuer',
      says: 'keyCertSign in signing certificates',
      faults: onAuthorities((authority) => uses(authority, 'keyCertSign')),
    },
    {
      clause: '4.3',
      level: 'MAY',
      binds: 'issuer',
      says: 'cRLSign in signing certificates',
      faults: onAuthorities((authority) => uses(authority, 'cRLSign')),
    },
    {
      clause: '4.3',
      level: 'MUST',
      binds: 'issuer',
      says: 'digitalSignature in leaves',
      faults: onLeaves((leaf) => uses(leaf, 'digitalSignature')),
    },
    {
      clause: '4.3',
      level: 'MAY',
      binds: 'issuer',
      says: 'keyEncipherment in leaves: of RSA keys alone',
      faults: onLeaves((leaf) => uses(leaf, 'keyEncipherment') === leaf.publicKey.algorithm.name.startsWith('RSA')),
    },
    {
      clause: '4.3',
      level: 'MUST NOT',
      binds: 'issuer',
      says: 'keyCertSign or cRLSign in leaves',
      faults: onLeaves((leaf) => !uses(leaf, 'keyCertSign') && !uses(leaf, 'cRLSign')),
    },
    {
      clause: '4.4',
      level: 'SHOULD',
      binds: 'issuer',
      says: 'an extended key usage in leaves',
      faults: onLeaves((leaf) => leaf.getExtension(ExtendedKeyUsageExtension) !== null),
    },
    {
      clause: '4.4',
      level: 'MUST',
      binds: 'issuer',
      says: 'of serverAuth and clientAuth',
      faults: onLeaves(
        (leaf) =>
          leaf.getExtension(ExtendedKeyUsageExtension)?.usages.join() === `${EKU_SERVER_AUTH},${EKU_CLIENT_AUTH}`,
      ),
    },
    {
      clause: '4.4',
      level: 'MUST',
      binds: 'validator',
      says: 'one of the two alone is refused',
      faults: refused({ replace: { eku: extendedKeyUsage([EKU_SERVER_AUTH]) } }, /chain-extended-key-usage/),
    },
    {
      clause: '4.4',
      level: 'MAY',
      binds: 'issuer',
      says: 'an extended key usage in signing certificates',
      because: 'some stacks impose it on all below and others do not',
      faults: onAuthorities((authority) => authority.getExtension(ExtendedKeyUsageExtension) === null),
    },
    {
      clause: '5.1',
      level: 'MUST',
      binds: 'validator',
      says: 'RFC 5280’s path validation',
      shownBy: { file: 'test/pki/chain/limbo.test.ts', test: 'x509-limbo' },
    },
    {
      clause: '5.1',
      level: 'MUST',
      binds: 'validator',
      says: 'an unknown critical extension is refused',
      faults: refused({ add: [extension('1.2.3.4', true, Uint8Array.of(5, 0))] }, /chain-unknown-critical/),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'cA true is refused',
      faults: refused({ replace: { basic: basicConstraints(CA) } }, /chain-leaf-is-ca/),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'keyCertSign is refused',
      faults: refused(
        { replace: { keyUsage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign) } },
        /chain-key-usage/,
      ),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'cRLSign is refused',
      faults: refused(
        { replace: { keyUsage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.cRLSign) } },
        /chain-key-usage/,
      ),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'a scheme other than spiffe is refused',
      faults: refused({ replace: { san: san([uri(IDENTITY.replace('spiffe:', 'https:'))]) } }, /it is for https:/),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'a SPIFFE ID without a path is refused',
      faults: refused(
        { replace: { san: san([uri('spiffe://cluster.local')]) } },
        /it is for spiffe:\/\/cluster\.local, expected/,
      ),
    },
    {
      clause: '5.2',
      level: 'MUST',
      binds: 'validator',
      says: 'more than one URI SAN is refused',
      faults: refused(twoUris, /it is for spiffe:\S+ spiffe:\S+, expected/),
    },
    {
      clause: '6.1',
      level: 'MUST',
      binds: 'publisher',
      says: 'use is x509-svid, one JWK for each CA',
      shownBy: bundleTest,
    },
    {
      clause: '6.1',
      level: 'MUST NOT',
      binds: 'publisher',
      says: 'kid',
      shownBy: { ...bundleTest, test: "'crv,kty,use,x,x5c,y'" },
    },
    {
      clause: '6.1',
      level: 'MUST',
      binds: 'publisher',
      says: 'x5c is exactly that certificate',
      shownBy: { ...bundleTest, test: 'x5c: [roots[0]]' },
    },
    {
      clause: '6.1',
      level: 'SHOULD',
      binds: 'publisher',
      says: 'it is self-signed',
      shownBy: { file: 'test/pki/authority/authority.test.ts', test: 'of %s is signed by itself' },
    },
    {
      clause: '6.2',
      level: 'MUST',
      binds: 'consumer',
      says: 'entries without x5c, and all values of it but the first, are ignored',
      because: 'no SPIFFE bundle is consumed: roots come from the signed trust document of the CA alone',
      faults: readersOfBundles,
    },
  ];
}

/** Source files, but for that of the route which publishes bundles, that know of the keys of one. */
function readersOfBundles(): string[] {
  return ['ca-service/src', 'csr-agent/src', 'pki/src', 'cli/src'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => join(folder, file))
      .filter((file) => file.endsWith('.ts') && file !== join('ca-service/src/routes/bundle.ts'))
      .filter((file) => /x509-svid/.test(readFileSync(join(ROOT, file), 'utf8'))),
  );
}
