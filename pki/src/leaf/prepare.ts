import { equal } from '../bytes.ts';
import { parseTbs } from '../certificate/parse.ts';
import type { Awaitable, Signer, SyncSigner } from '../crypto/port.ts';
import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { octetAlignedBits, sequence } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { signatureAlgorithmDer, signatureAlgorithmOf } from '../signature_algorithm.ts';
import { buildTbs, type LeafFacts } from './build.ts';
import { checkLeaf, lintSubject } from './rules.ts';

export { randomSerial, type LeafFacts } from './build.ts';
export { issuerTemplate, type IssuerTemplate } from './template.ts';

/** Held only in this module: without it none of the two classes below can be made. */
const maker = Symbol('leaf');

/** Reach into the stages from this module alone; assigned where the private fields are visible. */
let contentsOf: (leaf: PreparedLeaf) => { readonly tbs: Uint8Array; readonly facts: LeafFacts };
let redeem: (leaf: LintedLeaf) => PreparedLeaf;
let preparedOf: (leaf: LintedLeaf) => PreparedLeaf;

/** A leaf that is written and not yet checked. Opaque: what it holds goes to the lints, and from them to the signer. */
export class PreparedLeaf {
  readonly #tbs: Uint8Array;
  readonly #facts: LeafFacts;

  constructor(key: symbol, tbs: Uint8Array, facts: LeafFacts) {
    if (key !== maker) throw new PkiError('lint-unlinted', 'only prepareLeaf makes a prepared leaf');
    this.#tbs = tbs;
    this.#facts = facts;
  }

  /** A copy, for the record that is written before the signature. */
  get serial(): Uint8Array {
    return this.#facts.serial.slice();
  }

  /** ms since 1970. */
  get notBefore(): number {
    return this.#facts.notBefore;
  }

  get notAfter(): number {
    return this.#facts.notAfter;
  }

  static {
    contentsOf = (leaf) => ({ tbs: leaf.#tbs, facts: leaf.#facts });
  }
}

/** A leaf that passed every rule: the only thing that can be signed, and only once. */
export class LintedLeaf {
  readonly #prepared: PreparedLeaf;
  #spent = false;

  constructor(key: symbol, prepared: PreparedLeaf) {
    if (key !== maker) throw new PkiError('lint-unlinted', 'only lintLeaf makes a linted leaf');
    this.#prepared = prepared;
  }

  static {
    preparedOf = (leaf) => leaf.#prepared;
    redeem = (leaf) => {
      if (leaf.#spent) throw new PkiError('leaf-spent', 'a linted leaf is signed once');
      leaf.#spent = true;
      return leaf.#prepared;
    };
  }
}

/**
 * Writes the TBSCertificate of a leaf from attested facts.
 *
 * @throws PkiError `profile-facts` when they cannot be written
 */
export function prepareLeaf(facts: LeafFacts): PreparedLeaf {
  const kept = { ...facts, serial: facts.serial.slice() };
  return new PreparedLeaf(maker, buildTbs(kept), kept);
}

/**
 * Reads the bytes that would be signed and holds them against every rule; `now` is ms since 1970.
 *
 * @throws PkiError `lint-refused` with the rule and its clause, or the reader's error
 */
export function lintLeaf(prepared: PreparedLeaf, now: number): LintedLeaf {
  const { tbs, facts } = contentsOf(prepared);
  checkLeaf(lintSubject(parseTbs(tbs), facts, now));
  return new LintedLeaf(maker, prepared);
}

/**
 * Signs a linted leaf with the key of the issuer it was prepared for, and returns the certificate, DER.
 *
 * @throws PkiError `leaf-spent` the second time, `leaf-signer` for another key
 */
export function signLeaf(linted: LintedLeaf, signer: SyncSigner): Uint8Array;
export function signLeaf(linted: LintedLeaf, signer: Signer): Awaitable<Uint8Array>;
export function signLeaf(linted: LintedLeaf, signer: Signer): Awaitable<Uint8Array> {
  if (!(linted instanceof LintedLeaf)) throw new PkiError('lint-unlinted', 'only a linted leaf can be signed');
  const { tbs, facts } = contentsOf(preparedOf(linted));
  const { issuer } = facts;
  if (!equal(signer.spki, issuer.spki) || signer.algorithm !== issuer.signatureAlgorithm) {
    throw new PkiError('leaf-signer', 'the key is not that of the issuer the leaf was prepared for');
  }
  redeem(linted);
  // A copy: what a signer does to its input must not become what was linted.
  const signature = signer.sign(tbs.slice());
  const assemble = (bytes: Uint8Array): Uint8Array =>
    sequence(tbs, signatureAlgorithmDer(issuer.signatureAlgorithm), octetAlignedBits(bytes));
  return signature instanceof Uint8Array ? assemble(signature) : signature.then(assemble);
}

/**
 * Holds a signed certificate against what was linted: the same TBSCertificate byte for byte, the issuer's algorithm, and
 * nothing else in it but a signature. The signature itself is verified by whoever hands the certificate out.
 *
 * @throws PkiError `certificate-mismatch`
 */
export function compareSigned(linted: LintedLeaf, der: Uint8Array): void {
  const { tbs, facts } = contentsOf(preparedOf(linted));
  const outer = DerReader.of(der);
  const certificate = outer.enter(TAG.sequence);
  outer.end('certificate');
  if (!equal(certificate.element(TAG.sequence), tbs)) {
    throw new PkiError('certificate-mismatch', 'what was signed is not what was linted');
  }
  if (signatureAlgorithmOf(certificate.element(TAG.sequence)) !== facts.issuer.signatureAlgorithm) {
    throw new PkiError('certificate-mismatch', 'the signature is of another algorithm than the issuer makes');
  }
  certificate.octetAlignedBits();
  certificate.end('certificate');
}
