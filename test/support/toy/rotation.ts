import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { issuerTemplate, lintLeaf, prepareLeaf, randomSerial, signLeaf } from '../../../pki/src/leaf/prepare.ts';
import { drawLifeSeconds, leafValidity } from '../../../pki/src/lifetimes.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { assembleReply } from '../../../pki/src/reply.ts';
import { testIntermediate, testRoot, type Authority } from '../../pki/authority.ts';
import type { ToyCall } from './ca_server.ts';

export type GenerationName = 'old' | 'new';

/** What one holder is served. */
export interface Served {
  /** Under which root its leaf is. */
  chain: GenerationName;
  /** Trusted roots, the active one first. */
  bundle: readonly GenerationName[];
  /** Whether a chain of the newer root also carries the cross-certificate. */
  cross: boolean;
}

export interface Phase extends Served {
  name: string;
}

export const BEFORE_ROTATION: Served = { chain: 'old', bundle: ['old'], cross: false };

/** What everybody is served, one after the other, as DESIGN §4 has it; a CA waits between them for those that live on. */
export const ROTATION_PHASES: readonly Phase[] = [
  { name: 'the newer root is trusted', chain: 'old', bundle: ['old', 'new'], cross: false },
  { name: 'the newer root signs, with the cross-certificate', chain: 'new', bundle: ['new', 'old'], cross: true },
  { name: 'the cross-certificate is dropped', chain: 'new', bundle: ['new', 'old'], cross: false },
  { name: 'the older root is dropped', chain: 'new', bundle: ['new'], cross: false },
];

interface Generation {
  root: Authority;
  svid: Authority;
}

/**
 * A trust domain between two roots (DESIGN §4). It stands in for a CA that rotates: who is served what is said by the test, but each
 * certificate and each reply is made by the code of the product that makes them.
 */
export class Rotation {
  readonly #generations: Readonly<Record<GenerationName, Generation>>;
  readonly #cross: Uint8Array;
  readonly #random = (length: number): Uint8Array => nodeCrypto().random(length);

  private constructor(generations: Readonly<Record<GenerationName, Generation>>, cross: Uint8Array) {
    this.#generations = generations;
    this.#cross = cross;
  }

  static async create(now: number): Promise<Rotation> {
    const generation = async (): Promise<Generation> => {
      const root = await testRoot('ec-p256', now);
      return { root, svid: await testIntermediate(root, 'svid', { now }) };
    };
    const generations = { old: await generation(), new: await generation() };
    const older = { certificate: generations.old.root.certificate, signingKey: generations.old.root.privateKey };
    const cross = await createCrossCertificate({ newer: generations.new.root.certificate, older, now });
    return new Rotation(generations, cross);
  }

  /** The elements of a reply, of a leaf that lives for `ttlSeconds` as the product counts it from `now`. */
  reply(call: Pick<ToyCall, 'identity' | 'spki'>, served: Served, ttlSeconds: number, now: number): string[] {
    const { svid } = this.#generations[served.chain];
    const issuer = issuerTemplate(svid.certificate);
    const lifeSeconds = drawLifeSeconds(ttlSeconds, this.#random);
    const facts = {
      profile: 'svid',
      uri: call.identity,
      publicKey: parsePublicKey(call.spki),
      spki: call.spki,
      ...leafValidity({ now, ttlSeconds, lifeSeconds, issuer }),
      serial: randomSerial(this.#random),
      issuer,
    } as const;
    return assembleReply({
      leaf: signLeaf(lintLeaf(prepareLeaf(facts), now), svid.signer),
      intermediates: [svid.certificate],
      crosses: served.cross && served.chain === 'new' ? [this.#cross] : [],
      roots: served.bundle.map((name) => this.#generations[name].root.certificate),
    });
  }
}
