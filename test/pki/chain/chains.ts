import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import type { SyncSigner } from '../../../pki/src/crypto/port.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../../../pki/src/profiles.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import { NOW } from '../authority.ts';
import {
  basicConstraints,
  CA,
  caWithPathLength,
  extendedKeyUsage,
  keyUsage,
  name,
  NOT_A_CA,
  san,
  signTbs,
  uri,
  writeTbs,
  type TbsParts,
} from '../tbs.ts';

/** CAs and leaves by the second writer, so that they can be wrong in any way. Keys are made once and used again. */
export interface TestCa {
  readonly commonName: string;
  readonly key: SyncSigner;
  readonly der: Uint8Array;
}

export const leafKey = generateNodeKey('ec-p256');

export interface CaOptions {
  readonly commonName: string;
  readonly issuer?: TestCa;
  readonly key?: SyncSigner;
  readonly pathLength?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly usage?: number | null;
  readonly basic?: Uint8Array | null;
  readonly add?: readonly Uint8Array[];
}

/** A CA certificate by `issuer`, or by itself. */
export function ca(options: CaOptions): TestCa {
  const { commonName, pathLength, usage = KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign, add = [] } = options;
  const key = options.key ?? generateNodeKey('ec-p256');
  const basic =
    options.basic === undefined
      ? basicConstraints(pathLength === undefined ? CA : caWithPathLength(pathLength))
      : options.basic;
  const signer = options.issuer?.key ?? key;
  const tbs = writeTbs({
    algorithm: signatureAlgorithmDer(signer.algorithm),
    issuer: name(options.issuer?.commonName ?? commonName),
    subject: commonName === '' ? Uint8Array.of(0x30, 0) : name(commonName),
    notBefore: encodeTime(options.notBefore ?? NOW - 86_400_000),
    notAfter: encodeTime(options.notAfter ?? NOW + 86_400_000),
    spki: key.spki,
    extensions: [...(basic === null ? [] : [basic]), ...(usage === null ? [] : [keyUsage(usage)]), ...add],
  });
  return { commonName, key, der: signTbs(tbs, signer) };
}

/** A leaf by `issuer` with the extensions of an SVID, or others. */
export function leaf(
  issuer: TestCa,
  parts: Partial<TbsParts> = {},
  names = [uri('spiffe://cluster.local/ns/default/sa/a')],
): Uint8Array {
  const tbs = writeTbs({
    algorithm: signatureAlgorithmDer(issuer.key.algorithm),
    issuer: name(issuer.commonName),
    spki: leafKey.spki,
    extensions: leafExtensions({ names }),
    ...parts,
  });
  return signTbs(tbs, issuer.key);
}

export function leafExtensions(options: {
  readonly names?: readonly Uint8Array[];
  readonly usage?: number;
  readonly purposes?: readonly string[] | null;
  readonly basic?: Uint8Array;
  readonly add?: readonly Uint8Array[];
}): Uint8Array[] {
  const { names = [uri('spiffe://cluster.local/ns/default/sa/a')], usage = KEY_USAGE.digitalSignature } = options;
  const { purposes = [EKU_SERVER_AUTH, EKU_CLIENT_AUTH], basic = NOT_A_CA, add = [] } = options;
  return [
    keyUsage(usage),
    ...(purposes === null ? [] : [extendedKeyUsage(purposes)]),
    basicConstraints(basic),
    san(names),
    ...add,
  ];
}
