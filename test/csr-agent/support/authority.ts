import 'reflect-metadata';
import { createHash, randomBytes } from 'node:crypto';
import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { createIntermediate } from '../../../pki/src/authority/intermediate.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { octetAlignedBits, sequence } from '../../../pki/src/der/writer.ts';
import { buildTbs } from '../../../pki/src/leaf/build.ts';
import {
  issuerTemplate,
  type LeafFacts,
  lintLeaf,
  prepareLeaf,
  randomSerial,
  signLeaf,
} from '../../../pki/src/leaf/prepare.ts';
import { ANSWER_KEY_NAME } from '../../../pki/src/profiles.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';

type NodeKey = ReturnType<typeof generateNodeKey>;

export interface TestRoot {
  readonly der: Uint8Array;
  readonly key: NodeKey;
  /** What an operator pins. */
  readonly pin: string;
}

export interface TestIntermediate {
  readonly id: string;
  readonly purpose: 'svid' | 'serving';
  readonly der: Uint8Array;
  readonly key: NodeKey;
}

const DAY = 86_400_000;
const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

function signingKey(key: NodeKey): Promise<CryptoKey> {
  const pkcs8 = Uint8Array.from(key.pkcs8);
  return crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

let made = 0;

export async function makeRoot(now = Date.now()): Promise<TestRoot> {
  const key = generateNodeKey('ec-p256');
  const der = await createRoot({
    privateKey: await signingKey(key),
    spki: key.spki,
    commonName: `test root ${++made}`,
    notBefore: wholeSecond(now) - 3_600_000,
    notAfter: wholeSecond(now) + 3_650 * DAY,
  });
  return { der, key, pin: createHash('sha256').update(der).digest('hex') };
}

/** `newer` certified by `older`. */
export async function crossCertificate(newer: TestRoot, older: TestRoot, now = Date.now()): Promise<Uint8Array> {
  const signer = { certificate: older.der, signingKey: await signingKey(older.key) };
  return createCrossCertificate({ newer: newer.der, older: signer, now });
}

export async function makeIntermediate(
  root: TestRoot,
  purpose: 'svid' | 'serving',
  now = Date.now(),
): Promise<TestIntermediate> {
  const key = generateNodeKey('ec-p256');
  const id = `${purpose}-${++made}`;
  const der = await createIntermediate({
    profile: purpose,
    subjectSpki: key.spki,
    commonName: `test ${id}`,
    issuer: { certificate: root.der, signingKey: await signingKey(root.key) },
    notBefore: wholeSecond(now) - 3_600_000,
    notAfter: wholeSecond(now) + 90 * DAY,
  });
  return { id, purpose, der, key };
}

export type LeafWish = Pick<LeafFacts, 'profile' | 'uri' | 'dnsNames' | 'spki'> & {
  readonly lifeMs?: number;
  /** When it is made. */
  readonly now?: number;
};

function factsOf(issuer: TestIntermediate, wish: LeafWish): LeafFacts {
  const { lifeMs = DAY, now = Date.now(), spki, ...names } = wish;
  const second = wholeSecond(now);
  return {
    ...names,
    spki,
    publicKey: parsePublicKey(spki),
    notBefore: second - Math.min(300_000, wholeSecond(lifeMs / 10)),
    notAfter: second + lifeMs,
    serial: randomSerial(random),
    issuer: issuerTemplate(issuer.der),
  };
}

export function makeLeaf(issuer: TestIntermediate, wish: LeafWish): Uint8Array {
  return signLeaf(lintLeaf(prepareLeaf(factsOf(issuer, wish)), wish.now ?? Date.now()), issuer.key);
}

/** What a thief of the intermediate's key makes: signed without a lint. */
export function forgeLeaf(issuer: TestIntermediate, wish: LeafWish): Uint8Array {
  const tbs = buildTbs(factsOf(issuer, wish));
  return sequence(tbs, signatureAlgorithmDer(issuer.key.algorithm), octetAlignedBits(issuer.key.sign(tbs)));
}

export interface TestAnswerKey {
  readonly key: NodeKey;
  readonly certificate: Uint8Array;
  readonly issuer: string;
}

export function makeAnswerKey(serving: TestIntermediate, now = Date.now()): TestAnswerKey {
  const key = generateNodeKey('ec-p256');
  const wish = { profile: 'answer', dnsNames: [ANSWER_KEY_NAME], spki: key.spki, lifeMs: 30 * DAY, now } as const;
  return { key, certificate: makeLeaf(serving, wish), issuer: serving.id };
}
