import { PkiError } from '../../../pki/src/errors.ts';
import {
  formatIdentity,
  parseIdentity,
  parseSpiffeId,
  type Identity,
  type SpiffeId,
} from '../../../pki/src/spiffe_id.ts';
import { mutateText } from '../mutate_text.ts';
import { accepts, type Target } from '../target.ts';

const SEEDS = [
  'spiffe://cluster.local/ns/bookinfo/sa/productpage',
  'spiffe://a.b-c_d.9/ns/n/sa/a.b-c',
  'spiffe://td',
  'spiffe://td/a/B/..c/-_.',
  `spiffe://${'t'.repeat(255)}/x`,
  `spiffe://td/${'p'.repeat(2_036)}`,
  `spiffe://td/ns/${'n'.repeat(63)}/sa/${'s'.repeat(63)}.${'s'.repeat(63)}`,
];

const DICTIONARY = [
  ['spiffe://', 'SPIFFE://', 'spiffe:', 'https://', '/', '//', '/ns/', '/sa/', '.', '..', '/./', '/../', '?', '#', '@'],
  [':', ':443', '%2f', '%2e', '%00', '%', '*', '\\', ' ', '\t', '\n', '\0', '[::1]', '127.0.0.1', 'xn--', '-', '_'],
  [
    'é',
    '\u0130',
    '\u212a',
    '\u2024',
    '\u3002',
    '\uff0f',
    '\u202e',
    '\ufeff',
    'A',
    '~',
    '!',
    '$',
    '&',
    "'",
    '(',
    ';',
    '=',
  ],
].flat();

/** SPIFFE-ID standard §2 as one expression, lengths aside: written from the text, not from the parser. */
const STANDARD = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[a-zA-Z0-9._-]+)*$/;

const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8');
const byStandard = (id: string): boolean => Buffer.byteLength(id) <= 2_048 && STANDARD.test(id) && !id.endsWith('\n');

function compareWithUrl(id: string, { trustDomain, path }: SpiffeId): string | null {
  // The host of a URL with another scheme than the web's is kept as written, so this is what a URI parser sees.
  const url = new URL(id);
  const rest = [url.username, url.password, url.port, url.search, url.hash].join('');
  return url.protocol === 'spiffe:' && url.host === trustDomain && url.pathname === path && rest === ''
    ? null
    : `a URL parser sees host ${url.host} and path ${url.pathname}`;
}

function compareIdentity(id: string): string | null {
  let identity: Identity;
  try {
    identity = parseIdentity(id);
  } catch (error) {
    return error instanceof PkiError ? null : `parseIdentity throws ${String(error)}`;
  }
  return formatIdentity(identity) === id ? null : 'the identity is written differently';
}

/** The reader of SPIFFE IDs, held to the grammar of the standard and to a URL parser. */
export const spiffeTarget: Target = {
  name: 'spiffe',
  seeds: () => SEEDS.map((id) => Buffer.from(id, 'utf8')),
  mutate: mutateText(DICTIONARY),
  parse: (input) => parseSpiffeId(text(input)),
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare(input, read) {
    const id = text(input);
    if (!byStandard(id)) return 'the grammar of the standard refuses it';
    if (!accepts(() => new URL(id))) return 'a URL parser refuses it';
    return compareWithUrl(id, read as SpiffeId) ?? compareIdentity(id);
  },
  othersAccept: (input) => byStandard(text(input)),
  compareOneIn: 1,
};
