import { encodeTime } from '../../../pki/src/certificate/time.ts';
import type { PkiErrorCode } from '../../../pki/src/errors.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH } from '../../../pki/src/profiles.ts';
import { authorityKey, testIntermediate, testRoot, type Authority } from '../../pki/authority.ts';
import {
  authorityKeyId,
  basicConstraints,
  caWithPathLength,
  dns,
  extendedKeyUsage,
  ip,
  keyUsage,
  mail,
  name,
  san,
  signTbs,
  subjectKeyId,
  svidExtensions,
  uri,
  writeTbs,
} from '../../pki/tbs.ts';
import { DAY, IDENTITY, issue, NOW, type Member } from './member.ts';

const ISTIOD = 'istiod.istio-system.svc';
const key = generateNodeKey('ec-p256');
const life = { notBefore: encodeTime(NOW - 300_000), notAfter: encodeTime(NOW + DAY) };

/** What goes into a certificate from the one above it; the product's own template takes no issuer that is no CA. */
function issuing({ certificate }: Authority): { subject: Uint8Array; id: Uint8Array } {
  const { subject, subjectKeyId } = parseCertificate(certificate);
  return { subject, id: subjectKeyId ?? new Uint8Array(20) };
}

/** A leaf by the key of `issuer` that says whatever is asked: what a thief of that key could make. */
function stolen(
  issuer: Authority,
  replace: Parameters<typeof svidExtensions>[0]['replace'] = {},
  add: Uint8Array[] = [],
): Uint8Array {
  const { subject, id } = issuing(issuer);
  const extensions = svidExtensions({ authorityKeyId: id, replace, add });
  return signTbs(writeTbs({ ...life, issuer: subject, spki: key.spki, extensions }), issuer.signer);
}

/** A CA that a thief of an intermediate's key makes below it, whose pathlen of 0 forbids any. */
async function grandchild(issuer: Authority): Promise<Authority> {
  const own = await authorityKey();
  const { subject, id } = issuing(issuer);
  const extensions = [
    basicConstraints(caWithPathLength(0)),
    keyUsage(0x60),
    subjectKeyId(new Uint8Array(20).fill(9)),
    authorityKeyId(id),
  ];
  const tbs = writeTbs({
    ...life,
    issuer: subject,
    subject: name('grandchild'),
    spki: own.spki,
    extensions,
  });
  return { ...own, certificate: signTbs(tbs, issuer.signer) };
}

/** A leaf with a name of its own, for the row where it signs another. */
async function holder(issuer: Authority): Promise<Authority> {
  const own = await authorityKey();
  const { subject, id } = issuing(issuer);
  const extensions = [...svidExtensions({ authorityKeyId: id }), subjectKeyId(new Uint8Array(20).fill(8))];
  const tbs = writeTbs({ ...life, issuer: subject, subject: name('a leaf'), spki: own.spki, extensions });
  return { ...own, certificate: signTbs(tbs, issuer.signer) };
}

/** What must be refused: the containment that DESIGN promises when a key is stolen, and plain forgeries. */
export async function forged(root: Authority): Promise<Member[]> {
  const svid = await testIntermediate(root, 'svid', { now: NOW });
  const serving = await testIntermediate(root, 'serving', { now: NOW });
  const other = await testRoot('ec-p256', NOW);
  const tenants = await testIntermediate(root, 'issuer', { now: NOW, reservedNames: [ISTIOD] });
  const spent = await testIntermediate(root, 'svid', { now: NOW - 95 * DAY });
  const child = await grandchild(svid);
  const leaf = await holder(svid);
  const good = issue(svid, key);
  const flipped = Uint8Array.from(good);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const row = (name: string, leaf: Uint8Array, chain: Authority[], fault: PkiErrorCode, trusted = root): Member => ({
    name,
    leaf,
    key,
    intermediates: chain.map(({ certificate }) => certificate),
    roots: [trusted.certificate],
    time: null,
    expected: 'none',
    fault,
  });
  const names = {
    'a DNS name': dns(ISTIOD),
    'an IP address': ip(10, 0, 0, 1),
    'an IPv6 address': ip(...new Uint8Array(15), 1),
    'an e-mail address': mail('a@example.com'),
  };
  const oneSided = (purpose: string): Uint8Array => stolen(svid, { eku: extendedKeyUsage([purpose]) });
  return [
    ...Object.entries(names).flatMap(([what, one]) => [
      row(`${what}, by a stolen svid key`, stolen(svid, { san: san([one]) }), [svid], 'chain-name-constraint'),
      row(
        `${what} beside an identity, by a stolen svid key`,
        stolen(svid, { san: san([uri(IDENTITY), one]) }),
        [svid],
        'chain-name-constraint',
      ),
    ]),
    row(
      'the name of istiod, by a stolen issuer key',
      stolen(tenants, { san: san([dns(ISTIOD)]) }),
      [tenants],
      'chain-name-constraint',
    ),
    row('an SVID by a CA below an svid intermediate', stolen(child), [child, svid], 'chain-path-length'),
    row('an SVID by the key of a leaf', stolen(leaf), [leaf, svid], 'chain-not-a-ca'),
    row('a signature with one bit changed', flipped, [svid], 'chain-signature'),
    row('another root of the same kind', good, [svid], 'chain-unknown-issuer', other),
    row('no intermediate', good, [], 'chain-unknown-issuer'),
    row('an intermediate of another key', good, [serving], 'chain-unknown-issuer'),
    row('an issuer that has expired', stolen(spent), [spent], 'chain-expired'),
    {
      ...row('an SVID for servers alone', oneSided(EKU_SERVER_AUTH), [svid], 'chain-extended-key-usage'),
      expected: 'server',
    },
    {
      ...row('an SVID for clients alone', oneSided(EKU_CLIENT_AUTH), [svid], 'chain-extended-key-usage'),
      expected: 'client',
      differs: { istio: { verdict: 'none', reason: 'PeerCertVerifier asks every peer for serverAuth' } },
    },
  ];
}
