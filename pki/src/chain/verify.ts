import { equal } from '../bytes.ts';
import { type Certificate, parseCertificate } from '../certificate/parse.ts';
import type { Awaitable, CryptoPort } from '../crypto/port.ts';
import { PkiError } from '../errors.ts';
import { authorityFault, leafFault, type ChainFault, type ChainPurpose } from './rules.ts';

export type { ChainPurpose } from './rules.ts';

/** webpki's MAX_SUB_CA_COUNT: with more, every ztunnel refuses the chain. */
export const MAX_INTERMEDIATES = 6;

/** Signatures verified at most for one chain, as in webpki: bundles built to make a search explode end here. */
const SIGNATURE_BUDGET = 100;

export interface ChainOptions<Verifier extends Pick<CryptoPort, 'verify'> = Pick<CryptoPort, 'verify'>> {
  readonly crypto: Verifier;
  readonly leaf: Certificate | Uint8Array;
  /** In any order. One that cannot be parsed refuses the chain: what we hand out must be understood whole. */
  readonly intermediates: readonly (Certificate | Uint8Array)[];
  /** The trust set, and nothing else is trusted. */
  readonly roots: readonly (Certificate | Uint8Array)[];
  /** ms since 1970. */
  readonly now: number;
  /** `both` is what an SVID must be good for; `any` (the default) looks at no extended key usage. */
  readonly purpose?: ChainPurpose;
  /** Remembers which CA signed which, so that only the leaf's signature costs anything the next time. */
  readonly memo?: ChainMemo;
}

export type ChainResult =
  | { readonly ok: true; /** From the leaf to the root. */ readonly path: readonly Certificate[] }
  | ({ readonly ok: false } & ChainFault);

/** Signatures of CA certificates found good, by identity of the parsed certificates. Leaves are never remembered. */
export class ChainMemo {
  readonly #issuers = new WeakMap<Certificate, WeakSet<Certificate>>();

  has(child: Certificate, issuer: Certificate): boolean {
    return this.#issuers.get(child)?.has(issuer) ?? false;
  }

  add(child: Certificate, issuer: Certificate): void {
    const known = this.#issuers.get(child);
    if (known === undefined) this.#issuers.set(child, new WeakSet([issuer]));
    else known.add(issuer);
  }
}

/**
 * Finds a path from the leaf to one of the roots that every consumer of a mesh accepts (webpki, BoringSSL, Go, OpenSSL):
 * where they differ, the stricter one decides. Never throws for what it is given; a fault has a stable code.
 * Synchronous when the port is.
 */
export function verifyChain(options: ChainOptions<{ verify(...args: VerifyArguments): boolean }>): ChainResult;
export function verifyChain(options: ChainOptions): Awaitable<ChainResult>;
export function verifyChain(options: ChainOptions): Awaitable<ChainResult> {
  return drive(steps(options));
}

type VerifyArguments = Parameters<CryptoPort['verify']>;
/** Yields each signature check, is resumed with its answer. */
type Steps<T> = Generator<Awaitable<boolean>, T, boolean>;

function drive(run: Steps<ChainResult>): Awaitable<ChainResult> {
  let step = run.next();
  while (step.done !== true) {
    if (typeof step.value !== 'boolean') return driveAsync(run, step.value);
    step = run.next(step.value);
  }
  return step.value;
}

async function driveAsync(run: Steps<ChainResult>, first: Promise<boolean>): Promise<ChainResult> {
  let step = run.next(await first);
  // Each check decides whether there is a next one.
  // oxlint-disable-next-line no-await-in-loop
  while (step.done !== true) step = run.next(await step.value);
  return step.value;
}

interface Search {
  readonly options: ChainOptions;
  readonly purpose: ChainPurpose;
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
  signaturesLeft: number;
  /** The most telling fault so far: anything says more than "nobody we know issued it". */
  fault: ChainFault;
}

function* steps(options: ChainOptions): Steps<ChainResult> {
  const purpose = options.purpose ?? 'any';
  let search: Search;
  let leaf: Certificate;
  try {
    leaf = parsed(options.leaf);
    search = {
      options,
      purpose,
      intermediates: options.intermediates.map(parsed),
      roots: options.roots.map(parsed),
      signaturesLeft: SIGNATURE_BUDGET,
      fault: { code: 'chain-unknown-issuer', reason: 'no trusted root issued this chain' },
    };
  } catch (error) {
    if (error instanceof PkiError) return { ok: false, code: error.code, reason: error.message };
    throw error;
  }
  const fault = leafFault(leaf, { now: options.now, purpose });
  if (fault !== null) return { ok: false, ...fault };
  const path = yield* extend(search, [leaf]);
  return path === null ? { ok: false, ...search.fault } : { ok: true, path };
}

/** Depth first: a root that fits ends the path, else each intermediate that fits is tried. */
function* extend(search: Search, path: readonly Certificate[]): Steps<readonly Certificate[] | null> {
  const child = path[path.length - 1];
  if (child === undefined) return null;
  for (const root of search.roots) {
    if (!equal(child.issuer, root.subject)) continue;
    if (yield* issued(search, path, child, root)) return [...path, root];
  }
  for (const intermediate of search.intermediates) {
    if (!equal(child.issuer, intermediate.subject)) continue;
    if (path.some(({ der }) => equal(der, intermediate.der))) continue;
    if (path.length > MAX_INTERMEDIATES) {
      note(search, { code: 'chain-too-long', reason: `more than ${MAX_INTERMEDIATES} intermediates` });
      return null;
    }
    if (!(yield* issued(search, path, child, intermediate))) continue;
    const found = yield* extend(search, [...path, intermediate]);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Whether `issuer`, whose name fits, made `child` and may stand above the whole path below it. The signature comes last:
 * it costs the most.
 */
function* issued(
  search: Search,
  path: readonly Certificate[],
  child: Certificate,
  issuer: Certificate,
): Steps<boolean> {
  if (
    child.authorityKeyId !== null &&
    issuer.subjectKeyId !== null &&
    !equal(child.authorityKeyId, issuer.subjectKeyId)
  ) {
    return false;
  }
  const { now, crypto, memo } = search.options;
  const fault = authorityFault(issuer, path, { now, purpose: search.purpose });
  if (fault !== null) return note(search, fault);
  if (search.signaturesLeft <= 0) {
    return note(search, { code: 'chain-budget', reason: `more than ${SIGNATURE_BUDGET} signatures to verify` });
  }
  // A remembered one counts, too: the budget also ends a search that costs no signature.
  search.signaturesLeft -= 1;
  if (memo?.has(child, issuer) === true) return true;
  if (!(yield crypto.verify(child.signatureAlgorithm, issuer.spki, child.tbs, child.signature))) {
    return note(search, { code: 'chain-signature', reason: 'a signature does not verify under the key of its issuer' });
  }
  if (path.length > 1) memo?.add(child, issuer);
  return true;
}

function note(search: Search, fault: ChainFault): false {
  if (search.fault.code === 'chain-unknown-issuer' || fault.code === 'chain-budget') search.fault = fault;
  return false;
}

function parsed(certificate: Certificate | Uint8Array): Certificate {
  return certificate instanceof Uint8Array ? parseCertificate(certificate) : certificate;
}
