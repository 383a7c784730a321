import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import type { KeyType, SyncSigner } from '../../../pki/src/crypto/port.ts';
import { checkLeaf } from '../../../csr-agent/src/edge/leaf.ts';
import { UpstreamError } from '../../../csr-agent/src/edge/errors.ts';
import { type Bundle, readBundle } from '../../../csr-agent/src/trust/bundle.ts';
import {
  crossCertificate,
  makeLeaf,
  makeRoot,
  type TestIntermediate,
  type TestRoot,
} from '../../csr-agent/support/authority.ts';
import { FakeCa } from '../../csr-agent/support/fake_ca.ts';
import { X509Certificate } from '../../pki/peculiar.ts';
import {
  basicConstraints,
  caWithPathLength,
  keyUsage,
  name,
  nameConstraints,
  signTbs,
  subjectKeyId,
  svidExtensions,
  uri,
  writeTbs,
} from '../../pki/tbs.ts';

export const IDENTITY = 'spiffe://cluster.local/ns/default/sa/a';
const KEYS: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'];
const NOW = Math.floor(Date.now() / 1000) * 1000;
const DAY = 86_400_000;
const CONSTRAINED = 'constrained';

/** What a forger changes of an SVID that is otherwise in order. */
export interface Forgery {
  readonly replace?: Parameters<typeof svidExtensions>[0]['replace'];
  readonly add?: readonly Uint8Array[];
  readonly subject?: string;
}

interface Signer {
  readonly id: string;
  readonly der: Uint8Array;
  readonly key: SyncSigner;
}

const read = (der: Uint8Array): X509Certificate => new X509Certificate(Uint8Array.from(der));

/** Certificates that the product makes, read by @peculiar/x509; and the agent's verdict on those that it would never make. */
export class Svids {
  /** One SVID for each kind of key. */
  readonly leaves: readonly X509Certificate[];
  /** Root, cross-certificate and intermediate. */
  readonly authorities: readonly X509Certificate[];
  readonly #issuer: TestIntermediate;
  readonly #constrained: Signer;
  readonly #bundle: Bundle;
  readonly #key = generateNodeKey('ec-p256');

  private constructor(ca: FakeCa, root: TestRoot, cross: Uint8Array) {
    this.#issuer = ca.svid;
    this.#constrained = constrainedIntermediate(root);
    const document = ca.trustDocument();
    const certificate = Buffer.from(this.#constrained.der).toString('base64');
    const constrained = { id: CONSTRAINED, purpose: 'svid', certificate, current: false } as const;
    this.#bundle = readBundle({ ...document, intermediates: [...document.intermediates, constrained] });
    const wish = { profile: 'svid', uri: IDENTITY, now: NOW } as const;
    this.leaves = KEYS.map((type) => read(makeLeaf(ca.svid, { ...wish, spki: generateNodeKey(type).spki })));
    this.authorities = [root.der, cross, ca.svid.der].map(read);
  }

  static async make(): Promise<Svids> {
    const ca = await FakeCa.start();
    await ca.down();
    const [root] = ca.roots;
    if (root === undefined) throw new Error('the CA has no root');
    return new Svids(ca, root, await crossCertificate(await makeRoot(), root));
  }

  /** The agent's verdict on an SVID for the identity that it asked for: null, or why it does not hand it out. */
  refusal(forgery: Forgery = {}, identity = IDENTITY): string | null {
    return this.#verdict(this.#issuer, forgery, identity);
  }

  /** The same of an SVID in order, below an intermediate whose URI name constraint it keeps. */
  refusalBelowUriConstraint(): string | null {
    return this.#verdict(this.#constrained, {}, IDENTITY);
  }

  /** Of the intermediate itself, handed out as if it were an SVID. */
  refusalOfAuthority(): string | null {
    return this.#check(this.#issuer.der, this.#issuer.id, this.#issuer.key.spki, IDENTITY);
  }

  #verdict(signer: Signer, { replace, add, subject }: Forgery, identity: string): string | null {
    const issuer = parseCertificate(signer.der);
    const tbs = writeTbs({
      issuer: issuer.subject,
      ...(subject !== undefined && { subject: name(subject) }),
      notBefore: encodeTime(NOW - 300_000),
      notAfter: encodeTime(NOW + DAY),
      spki: this.#key.spki,
      extensions: svidExtensions({
        authorityKeyId: issuer.subjectKeyId ?? new Uint8Array(20),
        ...(replace && { replace }),
        ...(add && { add }),
      }),
    });
    return this.#check(signTbs(tbs, signer.key), signer.id, this.#key.spki, identity);
  }

  #check(der: Uint8Array, id: string, spki: Uint8Array, identity: string): string | null {
    const issuer = this.#bundle.intermediates.get(id);
    if (issuer === undefined) throw new Error(`no intermediate ${id}`);
    try {
      checkLeaf(nodeCrypto(), this.#bundle, { der, issuer, spki, identity }, NOW);
      return null;
    } catch (error) {
      if (error instanceof UpstreamError) return error.message;
      throw error;
    }
  }
}

/** An intermediate as another CA might make it: for the URIs of one trust domain only. */
function constrainedIntermediate(root: TestRoot): Signer {
  const key = generateNodeKey('ec-p256');
  const tbs = writeTbs({
    issuer: parseCertificate(root.der).subject,
    subject: name('for the URIs of cluster.local'),
    notBefore: encodeTime(NOW - 3_600_000),
    notAfter: encodeTime(NOW + 90 * DAY),
    spki: key.spki,
    extensions: [
      basicConstraints(caWithPathLength(0)),
      keyUsage(0x60),
      subjectKeyId(new Uint8Array(20).fill(9)),
      nameConstraints({ permitted: [uri('cluster.local')] }),
    ],
  });
  return { id: CONSTRAINED, der: signTbs(tbs, root.key), key };
}
