import { equal, fromBase64 } from './bytes.ts';
import { MAX_INTERMEDIATES } from './chain/verify.ts';
import { PkiError } from './errors.ts';
import { encodePem } from './pem.ts';

const LABEL = 'CERTIFICATE';

export interface ReplyParts {
  readonly leaf: Uint8Array;
  /** From the leaf's issuer upwards. */
  readonly intermediates: readonly Uint8Array[];
  /** During a rotation, else empty: the newer root certified by the older one. */
  readonly crosses: readonly Uint8Array[];
  /** Every trusted root, the active one first. */
  readonly roots: readonly Uint8Array[];
}

export interface ParsedReply {
  readonly leaf: Uint8Array;
  /** Intermediates and cross-certificates, as the peers will be shown them. */
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
}

/** PEM of CA certificates by the identity of their bytes: a handful for each agent, against one leaf for each reply. */
const authorityPems = new WeakMap<Uint8Array, string>();

/**
 * The `cert_chain` of an answer: one certificate in each element, and all roots together in the last one, for ztunnel reads
 * only the first block of each but the last. Each block ends in a newline: a glued one is lost.
 *
 * @throws PkiError `reply-shape` when there is no root or are more intermediates than a ztunnel follows
 */
export function assembleReply({ leaf, intermediates, crosses, roots }: ReplyParts): string[] {
  const middle = [...intermediates, ...crosses];
  if (roots.length === 0) throw new PkiError('reply-shape', 'a reply without a root');
  if (middle.length > MAX_INTERMEDIATES) {
    throw new PkiError('reply-shape', `${middle.length} intermediates, expected at most ${MAX_INTERMEDIATES}`);
  }
  return [pemThatReadsBack(leaf), ...middle.map(authorityPem), roots.map(authorityPem).join('')];
}

/**
 * Takes a `cert_chain` apart exactly as ztunnel does: of each element but the last only the first PEM block, of the last
 * all of them. What it would lose is lost here, too, so comparing the result with what was meant shows it.
 *
 * @throws PkiError `reply-shape` for what ztunnel refuses whole
 */
export function parseReply(elements: readonly string[]): ParsedReply {
  if (elements.length < 2) {
    throw new PkiError('reply-shape', `${elements.length} elements, expected a leaf and at least the roots`);
  }
  const [leaf, ...intermediates] = elements.slice(0, -1).map((element) => {
    const [first] = readBlocks(element);
    if (first === undefined || first.label !== LABEL) {
      throw new PkiError('reply-shape', 'an element that does not begin with a certificate');
    }
    return first.der;
  });
  const roots = readBlocks(elements[elements.length - 1] ?? '');
  if (leaf === undefined || roots.length === 0)
    throw new PkiError('reply-shape', 'no trust anchor in the last element');
  if (roots.some(({ label }) => label !== LABEL)) {
    throw new PkiError('reply-shape', 'something that is no certificate among the roots');
  }
  return { leaf, intermediates, roots: roots.map(({ der }) => der) };
}

function authorityPem(der: Uint8Array): string {
  const known = authorityPems.get(der);
  if (known !== undefined) return known;
  const pem = pemThatReadsBack(der);
  authorityPems.set(der, pem);
  return pem;
}

function pemThatReadsBack(der: Uint8Array): string {
  const pem = encodePem(LABEL, der);
  const [block, ...others] = readBlocks(pem);
  if (block === undefined || others.length > 0 || !equal(block.der, der) || !pem.endsWith('\n')) {
    throw new PkiError('reply-shape', 'a certificate does not read back from its PEM');
  }
  return pem;
}

interface Block {
  readonly label: string;
  readonly der: Uint8Array;
}

const BEGIN = '-----BEGIN ';
const DASHES = '-----';
const WHITE_SPACE = /\s/;

/**
 * PEM as rustls-pemfile reads it, line by line: text outside blocks is skipped, a line that begins with the end marker ends
 * the block whatever follows in it, so a block glued to that line is never seen.
 */
function readBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let label: string | null = null;
  let body = 0;
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    if (text.startsWith(BEGIN, at)) {
      const marker = text.slice(at, end).trimEnd();
      if (!marker.endsWith(DASHES)) throw new PkiError('reply-shape', 'a PEM block that does not begin properly');
      label = marker.slice(BEGIN.length, -DASHES.length);
      body = end + 1;
    } else if (label !== null && text.startsWith(`-----END ${label}-----`, at)) {
      blocks.push({ label, der: decode(text.slice(body, at)) });
      label = null;
    }
  }
  if (label !== null) throw new PkiError('reply-shape', 'a PEM block that does not end');
  return blocks;
}

/** White space counts at neither end of a line. */
function decode(lines: string): Uint8Array {
  const joined = lines.replaceAll('\n', '');
  const body = WHITE_SPACE.test(joined)
    ? lines
        .split('\n')
        .map((line) => line.trim())
        .join('')
    : joined;
  try {
    return fromBase64(body);
  } catch (cause) {
    throw new PkiError('reply-shape', 'a PEM block that is not base64', { cause });
  }
}
