import { describe, expect, it } from 'vitest';
import { PkiError } from '../../pki/src/errors.ts';
import { checkCsrAgainst } from '../../pki/src/csr/check.ts';
import { lintLeaf, prepareLeaf } from '../../pki/src/leaf/prepare.ts';
import { parseCsr } from '../../pki/src/csr/parse.ts';
import { parseIdentity, parseSpiffeId } from '../../pki/src/spiffe_id.ts';
import { NOW } from '../pki/authority.ts';
import { svidFacts } from '../pki/leaf/facts.ts';
import { csrOf, extensionRequest, san, uri } from '../pki/csr/samples.ts';
import { printTable } from '../support/print_table.ts';

/** What is valid by the standard but no identity of Istio's, whose paths are /ns/<namespace>/sa/<service account>. */
const NOT_ISTIO = 'spiffe-identity';

interface Example {
  readonly id: string;
  /** Section of the SPIFFE-ID standard. */
  readonly clause: string;
  /** By the standard. */
  readonly valid: boolean;
  /** Why no SVID is made for it, null where one is. */
  readonly refused: string | null;
  /** Where we are stricter than the standard: why. */
  readonly stricter?: string;
}

const valid = (clause: string, refused: string | null, ...ids: string[]): Example[] =>
  ids.map((id) => ({ id, clause, valid: true, refused }));
const invalid = (clause: string, refused: string, ...ids: string[]): Example[] =>
  ids.map((id) => ({ id, clause, valid: false, refused }));

const domain = (length: number): string => `spiffe://${'d'.repeat(length)}/ns/a/sa/b`;
const long = (length: number): string => `spiffe://example.com/${'p'.repeat(length - 21)}`;

/** The examples of the standard, one for each of its sentences, and those of the reference implementation's own tests. */
const EXAMPLES: readonly Example[] = [
  ...valid('2', NOT_ISTIO, 'spiffe://trust-domain-name/path', 'spiffe://trustdomain'),
  ...invalid(
    '2',
    'spiffe-scheme',
    '',
    's',
    'spiffe:/',
    'spiffe:/trustdomain/path',
    'https://trustdomain/path',
    'trustdomain/path',
    '//trustdomain/path',
  ),
  ...invalid('2', 'spiffe-trust-domain', 'spiffe://', 'spiffe:///', 'spiffe:///path'),
  ...invalid(
    '2',
    'spiffe-path',
    'spiffe://trustdomain/path?query=a',
    'spiffe://trustdomain/path#fragment',
    'spiffe://trustdomain/?',
    'spiffe://trustdomain/#',
  ),
  ...invalid('2', 'spiffe-trust-domain', 'spiffe://trustdomain?query', 'spiffe://trustdomain#fragment'),
  ...invalid(
    '2.1',
    'spiffe-trust-domain',
    'spiffe://user@trustdomain/path',
    'spiffe://user:secret@trustdomain/path',
    'spiffe://trustdomain:8080/path',
    'spiffe://trustdomain:/path',
    'spiffe://@trustdomain/path',
  ),
  ...invalid('2.1', 'spiffe-trust-domain', 'spiffe://[::1]/path', 'spiffe://[2001:db8::1]/path'),
  ...invalid(
    '2.1',
    'spiffe-trust-domain',
    'spiffe://trust%20domain/path',
    'spiffe://%62%61%64/path',
    'spiffe://%F0%9F%A4%AF/path',
    'spiffe://tröst/path',
    'spiffe://trust domain/path',
    'spiffe://trust+domain/path',
    'spiffe://trust*/path',
  ),
  ...valid(
    '2.1',
    NOT_ISTIO,
    'spiffe://10.0.0.1/path',
    'spiffe://trust_domain_name.example.com/path',
    'spiffe://9eebccd2-12bf-40a6-b262-65fe0487d453/path',
    'spiffe://..-_/path',
  ),
  ...valid(
    '2.2',
    NOT_ISTIO,
    'spiffe://staging.example.com/payments/mysql',
    'spiffe://staging.example.com/payments/web-fe',
    'spiffe://example.com/9eebccd2-12bf-40a6-b262-65fe0487d453',
  ),
  ...valid('2.2', null, 'spiffe://k8s-west.example.com/ns/staging/sa/default'),
  ...invalid(
    '2.2',
    'spiffe-path',
    'spiffe://trustdomain/%F0%9F%A4%AF',
    'spiffe://trustdomain/%62%61%64',
    'spiffe://k8s-west.example.com/ns/staging/sa/%64efault',
  ),
  ...invalid(
    '2.2',
    'spiffe-path',
    'spiffe://trustdomain//',
    'spiffe://trustdomain//path',
    'spiffe://trustdomain/path//other',
    'spiffe://trustdomain/',
    'spiffe://trustdomain/path/',
    'spiffe://k8s-west.example.com/ns/staging/sa/default/',
  ),
  ...invalid(
    '2.2',
    'spiffe-path',
    'spiffe://trustdomain/.',
    'spiffe://trustdomain/./path',
    'spiffe://trustdomain/path/./other',
    'spiffe://trustdomain/path/..',
    'spiffe://trustdomain/..',
    'spiffe://trustdomain/../path',
    'spiffe://trustdomain/path/../other',
  ),
  ...valid(
    '2.2',
    NOT_ISTIO,
    'spiffe://trustdomain/.path',
    'spiffe://trustdomain/..path',
    'spiffe://trustdomain/...',
    'spiffe://trustdomain/A_b.c-9',
  ),
  ...invalid(
    '2.2',
    'spiffe-path',
    'spiffe://trustdomain/a b',
    'spiffe://trustdomain/a:b',
    'spiffe://trustdomain/a@b',
    'spiffe://trustdomain/a*',
    'spiffe://trustdomain/a\\b',
    'spiffe://trustdomain/a;b',
  ),
  ...valid('2.3', null, domain(255)),
  ...valid('2.3', NOT_ISTIO, long(2048)),
  ...invalid('2.3', 'spiffe-trust-domain', domain(256)),
  ...invalid('2.3', 'spiffe-size', long(2049)),
  ...['SPIFFE://trustdomain/path', 'Spiffe://k8s-west.example.com/ns/staging/sa/default'].map((id) => ({
    id,
    clause: '2.4',
    valid: true,
    refused: 'spiffe-scheme',
    stricter:
      'one spelling for one identity: it is compared byte for byte, as Istio and the reference implementation do',
  })),
  {
    id: 'spiffe://K8S-west.example.com/ns/staging/sa/default',
    clause: '2.4',
    valid: true,
    refused: 'spiffe-trust-domain',
    stricter: '§2.1 has it in lower case, and one identity has one spelling',
  },
  ...valid('2.4', NOT_ISTIO, 'spiffe://k8s-west.example.com/ns/STAGING/sa/default'),
];

function codeOf(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof PkiError) return error.code;
    throw error;
  }
}

const ATTESTED = 'spiffe://k8s-west.example.com/ns/staging/sa/default';

/** A CSR that names the ID, held against the identity that a token attests. */
const ask = (id: string): void =>
  checkCsrAgainst(parseCsr(csrOf({ attributes: [extensionRequest(san(uri(id)))] })), ATTESTED);

/** Whatever asks for it: the last rule before the signature. */
const issue = (id: string): unknown => lintLeaf(prepareLeaf(svidFacts({ uri: id })), NOW);

const isAscii = (id: string): boolean => Buffer.byteLength(id) === id.length;

const shown = (id: string): string =>
  id.length > 60 ? `${id.slice(0, 40)}… (${id.length} characters)` : JSON.stringify(id);

const all = EXAMPLES.map((each) => ({ ...each, shown: shown(each.id) }));

printTable(
  'SPIFFE IDs by the standard: whether it has them for valid, and whether an SVID is made for them',
  EXAMPLES.map(({ id, clause, valid, refused, stricter = '' }) => ({
    clause,
    id: shown(id),
    standard: valid ? 'valid' : 'invalid',
    svid: refused ?? 'made',
    stricter,
  })),
);

describe('the SPIFFE-ID standard', () => {
  it.each(all)('§$clause $shown: valid by it is $valid', ({ id, valid, refused, stricter }) => {
    const code = codeOf(() => parseSpiffeId(id));
    if (valid && stricter === undefined) expect(code).toBeNull();
    else expect(code).toBe(refused);
  });

  it.each(all)('§$clause $shown: as Istio identity, $refused', ({ id, refused }) => {
    expect(codeOf(() => parseIdentity(id))).toBe(refused);
  });

  it.each(all)('§$clause $shown: an SVID is made for it only if it is one', ({ id, refused }) => {
    // What is not ASCII does not even read back.
    expect(codeOf(() => issue(id))).toBe(
      refused === null ? null : isAscii(id) ? 'lint-refused' : 'certificate-extension',
    );
  });

  it.each(all.filter(({ id }) => id !== ATTESTED))(
    '§$clause $shown: is not taken for another that is attested',
    ({ id }) => {
      expect(codeOf(() => ask(id))).toBe(isAscii(id) ? 'csr-identity' : 'csr-san');
    },
  );

  it('§2.2 the attested one itself is', () => {
    expect(codeOf(() => ask(ATTESTED))).toBeNull();
  });

  const CHARACTERS = Array.from({ length: 256 }, (_, code) => String.fromCodePoint(code)).filter(
    (each) => each !== '/',
  );

  it('has 38 characters for the trust domain, and no other is taken', () => {
    const taken = CHARACTERS.filter((each) => codeOf(() => parseSpiffeId(`spiffe://trustdomain${each}/path`)) === null);
    expect(taken.join('')).toBe('-.0123456789_abcdefghijklmnopqrstuvwxyz');
  });

  it('has 64 characters for the path, and no other is taken', () => {
    const taken = CHARACTERS.filter((each) => codeOf(() => parseSpiffeId(`spiffe://trustdomain/path${each}`)) === null);
    expect(taken.join('')).toBe('-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz');
  });
});
