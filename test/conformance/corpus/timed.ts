import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { testIntermediate, type Authority } from '../../pki/authority.ts';
import { importedRoot } from '../../pki/imported_root.ts';
import { DAY, issue, NOW, SECOND, type Difference, type Member } from './member.ts';

const key = generateNodeKey('ec-p256');
const YEAR_2050 = Date.UTC(2050, 0, 1);

/** RFC 5280 §4.1.2.5: "through notAfter, inclusive"; OpenSSL's X509_cmp_time counts the equal second as earlier than the present. */
const OPENSSL_LAST_SECOND: Difference = {
  verdict: 'none',
  reason: 'OpenSSL excludes the second of notAfter, RFC 5280 includes it',
};

/** The edges of validity, of leaf and issuer, and those of the formats and of the profile. */
export async function timed(root: Authority): Promise<Member[]> {
  const svid = await testIntermediate(root, 'svid', { now: NOW - DAY });
  const chain = { key, intermediates: [svid.certificate], roots: [root.certificate] };
  const ninetyDays = NOW + 89 * DAY;
  const day = { ...chain, leaf: issue(svid, key) };
  const last = { ...chain, leaf: issue(svid, key, { at: ninetyDays - 7 * DAY, ttlSeconds: 604_800 }) };
  const old = await importedRoot('ec-p384');
  const late = await testIntermediate(old, 'svid', { now: YEAR_2050 - 30 * DAY });
  const across = {
    key,
    intermediates: [late.certificate],
    roots: [old.certificate],
    leaf: issue(late, key, { at: YEAR_2050 - DAY / 2 }),
  };
  const of = (name: string, member: typeof day, time: number | null, fault?: Member['fault']): Member => ({
    name,
    ...member,
    time,
    expected: fault === undefined ? 'both' : 'none',
    ...(fault && { fault }),
  });
  return [
    of('10 minutes of life', { ...chain, leaf: issue(svid, key, { ttlSeconds: 600 }) }, null),
    of('7 days of life', { ...chain, leaf: issue(svid, key, { ttlSeconds: 604_800 }) }, null),
    of('valid from this very second', { ...chain, leaf: issue(svid, key, { notBefore: NOW }) }, null),
    of(
      'valid from an hour ahead',
      { ...chain, leaf: issue(svid, key, { at: NOW + DAY / 12, notBefore: NOW + DAY / 24 }) },
      null,
      'chain-not-yet-valid',
    ),
    of(
      'expired a second ago',
      { ...chain, leaf: issue(svid, key, { at: NOW - DAY / 2, notAfter: NOW - SECOND }) },
      null,
      'chain-expired',
    ),
    of('the second before notBefore', day, NOW - 301 * SECOND, 'chain-not-yet-valid'),
    of('the second of notBefore', day, NOW - 300 * SECOND),
    { ...of('the second of notAfter', day, NOW + DAY), differs: { openssl: OPENSSL_LAST_SECOND } },
    of('the second after notAfter', day, NOW + DAY + SECOND, 'chain-expired'),
    of('a leaf that ends with its issuer, a second before', last, ninetyDays - SECOND),
    {
      ...of('a leaf that ends with its issuer, at the end', last, ninetyDays),
      differs: { openssl: OPENSSL_LAST_SECOND },
    },
    of('a leaf that ends with its issuer, a second after', last, ninetyDays + SECOND, 'chain-expired'),
    of('a leaf across 2050, in UTCTime', across, YEAR_2050 - SECOND),
    of('a leaf across 2050, in GeneralizedTime', across, YEAR_2050),
    of('a leaf across 2050, when it has expired', across, YEAR_2050 + DAY, 'chain-expired'),
  ];
}
