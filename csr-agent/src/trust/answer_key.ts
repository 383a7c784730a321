import { createHash, createPublicKey, verify } from 'node:crypto';
import { formatAgentKey } from '../../../ca-service/src/client/agent_key.ts';
import type { RawVerify } from '../../../ca-service/src/client/message_signature.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { ANSWER_KEY_NAME } from '../../../pki/src/profiles.ts';
import type { Bundle } from './bundle.ts';
import { TrustError } from './errors.ts';

/** A key that signs answers of the CA. */
export interface AnswerKey {
  /** RFC 7638 thumbprint. */
  readonly keyid: string;
  /** ms since 1970: when the first certificate of its chain ends. */
  readonly validUntil: number;
  /** Synchronous; the signature is r || s. */
  readonly verify: RawVerify;
}

/** Octets before the point in the SubjectPublicKeyInfo of a P-256 key. */
const P256_HEAD = 27;

/**
 * The answer key of a bundle whose roots are accepted. It is certified for the one reserved DNS name by the bundle's
 * `serving` intermediate; an `svid` intermediate cannot make a DNS name, and an `issuer` one not this one, so the
 * certificate alone says that the key was made to sign answers.
 *
 * @throws TrustError `answer-key-untrusted`
 */
export function answerKeyOf(crypto: SyncCryptoPort, bundle: Bundle, now: number): AnswerKey {
  const { answerKey: certificate, document, intermediates, crosses, roots, memo } = bundle;
  const issuer = intermediates.get(document.answerKey.issuer);
  if (issuer?.purpose !== 'serving') throw untrusted('its issuer is no serving intermediate of the document');
  const { dnsSans, uriSans, ipSans, mailSans, otherSans, publicKey, spki } = certificate;
  const others = uriSans.length + ipSans.length + mailSans.length > 0 || otherSans;
  if (dnsSans.length !== 1 || dnsSans[0] !== ANSWER_KEY_NAME || others) {
    throw untrusted(`its certificate is not for exactly the name ${ANSWER_KEY_NAME}`);
  }
  if (publicKey.kind !== 'ec' || publicKey.curve !== 'P-256') throw untrusted('it is not a P-256 key');
  const chain = verifyChain({
    crypto,
    leaf: certificate,
    intermediates: [issuer.certificate, ...crosses],
    roots,
    now,
    purpose: 'server',
    memo,
  });
  if (!chain.ok) throw untrusted(`${chain.code}, ${chain.reason}`);
  if (chain.path[1] !== issuer.certificate) throw untrusted('another certificate than its issuer signed it');
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const x = Buffer.from(spki.subarray(P256_HEAD, P256_HEAD + 32)).toString('base64url');
  const y = Buffer.from(spki.subarray(P256_HEAD + 32)).toString('base64url');
  return {
    keyid: createHash('sha256').update(formatAgentKey({ x, y })).digest('base64url'),
    validUntil: Math.min(...chain.path.map(({ notAfter }) => notAfter)),
    verify: (base, signature) => verify('sha256', base, { key, dsaEncoding: 'ieee-p1363' }, signature),
  };
}

function untrusted(reason: string): TrustError {
  return new TrustError('answer-key-untrusted', `the answer key: ${reason}`);
}
