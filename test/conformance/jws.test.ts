import { createLocalJWKSet } from 'jose';
import { describe, expect, test } from 'vitest';
import { readHeader, verifySignature } from '../../ca-service/src/evidence/token.ts';
import { VerificationKeys } from '../../ca-service/src/evidence/verification_keys.ts';
import type { TokenKey } from '../../ca-service/src/objects/rpc.ts';
import { tokenKeyFaults, tokenKeyOf } from '../../ca-service/src/objects/token_keys.ts';
import { parseKeySet, verifyByAny } from '../../csr-agent/src/authenticate/key_sets.ts';
import { readVectors, whyNot } from '../support/public_vectors.ts';

interface Group {
  comment: string;
  private?: Jwk | { keys: Jwk[] };
  public?: Jwk | { keys: Jwk[] };
  tests: { tcId: number; comment: string; jws?: unknown; jwe?: unknown; result: string; flags: string[] }[];
}
type Jwk = Record<string, string> & { kty: string };

const FILES = ['json_web_signature_test', 'json_web_key_test', 'json_web_crypto_test'] as const;
const ISSUER = 'https://issuer.example';
const PRIVATE = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);

/** Valid to the vectors, and refused here on purpose: why. What is invalid to them is never accepted. */
const REFUSED: readonly [why: string, is: (alg: string, group: Group, comment: string) => boolean][] = [
  ['an empty payload: a token has claims', (_alg, _group, comment) => comment === 'emptyPayload'],
  ['HMAC: a public key would serve as the secret', (alg) => alg.startsWith('HS')],
  ['RSA-PSS: no API server signs with it', (alg) => alg.startsWith('PS')],
  ['a JWK whose alg is none that exists (ES521)', (_alg, { comment }) => comment.startsWith('rfc7520')],
  ['the agent takes no SHA-512, which no API server signs with', (alg) => alg.endsWith('512')],
];

const files = FILES.map((file) => ({
  file,
  vectors: readVectors(`wycheproof/${file}.json`) as { testGroups: Group[] } | null,
}));

/** Public halves, as an issuer publishes them; a symmetric key cannot be enrolled. */
function published({ private: secret, public: open }: Group): TokenKey[] {
  const source = open ?? secret;
  const keys: Jwk[] = source === undefined ? [] : Array.isArray(source['keys']) ? source.keys : [source as Jwk];
  return keys
    .filter(({ kty }) => kty !== 'oct')
    .map(
      (key) => Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE.has(name))) as unknown as TokenKey,
    );
}

const settle = async (verify: () => Promise<unknown>): Promise<boolean> =>
  verify().then(
    () => true,
    () => false,
  );

/** Header, keys and signature, as the CA checks them before it looks at any claim. */
function byCa(jws: string, keys: TokenKey[]): Promise<boolean> {
  return settle(async () => {
    const { alg, kid } = readHeader(jws);
    const enrolled = keys.filter((key) => tokenKeyFaults(key).length === 0).map(tokenKeyOf);
    const candidates = await new VerificationKeys([{ issuer: ISSUER, keys: enrolled }]).candidates(ISSUER, alg, kid);
    await verifySignature(jws, candidates, alg);
  });
}

const byAgent = (jws: string, keys: TokenKey[]): Promise<boolean> =>
  settle(async () => {
    const set = parseKeySet('jwks.json', JSON.stringify({ keys }));
    await verifyByAny(jws, createLocalJWKSet({ keys: set }));
  });

describe.each(files)('Wycheproof, $file', ({ file, vectors }) => {
  test.skipIf(vectors === null)(
    `no signature is accepted that should not be, and what is refused beyond that has its reason${whyNot(vectors)}`,
    async () => {
      const counts = new Map<string, number>();
      const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
      const wrong: string[] = [];
      for (const group of vectors?.testGroups ?? []) {
        const keys = published(group);
        for (const { tcId, comment, jws, result } of group.tests) {
          if (typeof jws !== 'string') {
            count(jws === undefined ? 'not a JWS: encryption is not for tokens' : 'a JWS in JSON: tokens are compact');
            continue;
          }
          const verdicts = { ca: await byCa(jws, keys), agent: await byAgent(jws, keys) };
          const algorithm = /"alg"\s*:\s*"(\w+)"/.exec(
            Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString(),
          )?.[1];
          const why = REFUSED.find(([, is]) => is(algorithm ?? '', group, comment))?.[0];
          for (const [who, accepted] of Object.entries(verdicts)) {
            if (accepted && result !== 'valid') wrong.push(`${who} accepts ${tcId} ${group.comment} ${comment}`);
            else if (!accepted && result === 'valid' && why === undefined)
              wrong.push(`${who} refuses ${tcId} ${group.comment} ${comment} (${algorithm})`);
            else if (!accepted && result === 'valid') count(`${who}: refused, ${why}`);
            else count(`${who}: ${accepted ? 'accepted' : 'refused'}, as the vectors say`);
          }
        }
      }
      console.log([file, ...[...counts].map(([what, number]) => `${String(number).padStart(5)}  ${what}`)].join('\n'));
      expect(wrong).toEqual([]);
      expect([...counts.values()].reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
    },
  );
});
