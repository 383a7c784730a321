import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { issuerTemplate, randomSerial, type LeafFacts } from '../../../pki/src/leaf/prepare.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { NOW, testIntermediate, testRoot } from '../authority.ts';

export const root = await testRoot();
export const svid = await testIntermediate(root, 'svid');
export const serving = await testIntermediate(root, 'serving');
export const svidIssuer = issuerTemplate(svid.certificate);
export const servingIssuer = issuerTemplate(serving.certificate);
export const leafKey = generateNodeKey('ec-p256');
export const IDENTITY = 'spiffe://cluster.local/ns/default/sa/a';

const port = nodeCrypto();
const random = (length: number): Uint8Array => port.random(length);

/** The facts of a good SVID, each replaceable. */
export function svidFacts(replace: Partial<LeafFacts> = {}): LeafFacts {
  return {
    profile: 'svid',
    uri: IDENTITY,
    publicKey: parsePublicKey(replace.spki ?? leafKey.spki),
    spki: leafKey.spki,
    notBefore: NOW - 300_000,
    notAfter: NOW + 86_400_000,
    serial: randomSerial(random),
    issuer: svidIssuer,
    ...replace,
  };
}

/** The facts of a good serving certificate, each replaceable. */
export function servingFacts(replace: Partial<LeafFacts> = {}): LeafFacts {
  const { uri: _, ...facts } = svidFacts();
  return { ...facts, profile: 'serving', dnsNames: ['istiod.istio-system.svc'], issuer: servingIssuer, ...replace };
}
