import {
  decodeBatchAnswer,
  encodeBatchAnswer,
  type ItemAnswer,
  type TrustDocument,
} from '../../../ca-service/src/client/protocol.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { readBundle } from '../trust/bundle.ts';
import { checkLeaf } from './leaf.ts';

/*
 * A root, an svid intermediate and a leaf of the profiles, base64 DER, made by `pki` with keys that were thrown away.
 * They certify nothing: the trust they are read into is of this file alone.
 */
const ROOT =
  'MIIBnzCCAUSgAwIBAgIQc3CVp5zioC2prxPe2J8u0zAKBggqhkjOPQQDAjAvMRMwEQYDVQQKEwphbWJpZW50LWNhMRgwFgYDVQQDEw90aHJvdy1hd2F5IHJvb3QwHhcNMjYxMTI1MDIzODUwWhcNMzYxMTIyMDMzODUwWjAvMRMwEQYDVQQKEwphbWJpZW50LWNhMRgwFgYDVQQDEw90aHJvdy1hd2F5IHJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT4eFDQFEESLfQe6tI4xGd+zaxtATlThUnDuYzIiM2V1YAyR54faxnqQaZL5y5mayf4EzZQwt/XFgvp5RFN5jKQo0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUCBRVsMkFBifmZ96zA6ZEBZlph3EwCgYIKoZIzj0EAwIDSQAwRgIhAMXs0JmF9B3jylTVEpFTxUOtiWyZp2plBz+Ox/0Z4s1aAiEAl53x6WVUgRAAolR/SjUoyU7UYpc4nF2w0amm5vs9qr0=';
const INTERMEDIATE =
  'MIICIzCCAcigAwIBAgIQPzsEcWgise9OPn8sR7kYGjAKBggqhkjOPQQDAjAvMRMwEQYDVQQKEwphbWJpZW50LWNhMRgwFgYDVQQDEw90aHJvdy1hd2F5IHJvb3QwHhcNMjYxMTI1MDIzODUwWhcNMjcwMjIzMDMzODUwWjA3MRMwEQYDVQQKEwphbWJpZW50LWNhMSAwHgYDVQQDExd0aHJvdy1hd2F5IGludGVybWVkaWF0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIraLmDmt+1MhBHi2UnXN47R/MrGOOcCxuCREM5lz+69sww3AeRnnommKJm+32sbQiRklnwSBPb9BOJOmqtILwqjgb0wgbowEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFBGup+nkJZ1gUehqvj/0aCrOu3GCMB8GA1UdIwQYMBaAFAgUVbDJBQYn5mfeswOmRAWZaYdxMFQGA1UdHgEB/wRKMEigEDAOgQxzdmlkLmludmFsaWShNDACggAwCocIAAAAAAAAAAAwIocgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwCgYIKoZIzj0EAwIDSQAwRgIhALMCO0sUQPFe+9RBqb/yDQgKeGleDQ8Fg6pVyXYjIvkJAiEA2mpETarWgNvRn93V1jXXyj2po6mDOumQx2IeG+rOkmY=';
const LEAF =
  'MIIBxjCCAWugAwIBAgIQLd8+/t/fQiNxHPSCFD0ahjAKBggqhkjOPQQDAjA3MRMwEQYDVQQKEwphbWJpZW50LWNhMSAwHgYDVQQDExd0aHJvdy1hd2F5IGludGVybWVkaWF0ZTAeFw0yNjExMjUwMzMzNTBaFw0yNjExMjYwMzM4NTBaMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS5QrzfKd/Dz3vRKEqnkMX0ILM6GiDHalFVkNyxBOG/1o0I5q11GFI9EAdOcPZbImkByJZa60lHxC4/Zdj6AhGEo4GPMIGMMA4GA1UdDwEB/wQEAwIHgDAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwDAYDVR0TAQH/BAIwADAfBgNVHSMEGDAWgBQRrqfp5CWdYFHoar4/9GgqzrtxgjAsBgNVHREBAf8EIjAghh5zcGlmZmU6Ly93YXJtLnVwL25zL3dhcm0vc2EvdXAwCgYIKoZIzj0EAwIDSQAwRgIhAKKv5eL8o+8kiy07I6CiYvP1D7mgT5ygF4t8q5CgYtJ1AiEAxgr8MDp7GFlRO07d+1p9kBe65B9F5hE6QZnABuGlqZo=';
const IDENTITY = 'spiffe://warm.up/ns/warm/sa/up';

/** Enough for V8 to compile the path; about a tenth of a second, before anyone waits. */
const ROUNDS = 300;

/**
 * Runs what happens to each answer on a chain of its own, because a node's first certificates are asked for strictly one
 * after the other and would all wait for code that is not compiled yet.
 *
 * @returns how many rounds ended as they should: all of them
 */
export function warmUp(crypto: SyncCryptoPort, rounds = ROUNDS): number {
  const bundle = readBundle(DOCUMENT);
  const issuer = bundle.intermediates.get('warm-up');
  const { notBefore, spki } = parseCertificate(bytes(LEAF));
  const items: ItemAnswer[] = [{ id: 'warm-up', status: 'issued', certificate: LEAF, issuer: 'warm-up' }];
  const body = encodeBatchAnswer({ version: 1, time: 0, epoch: 0, bundleVersion: 0, boot: 'warm-up-', items });
  let good = 0;
  if (issuer === undefined) return good;
  for (let round = 0; round < rounds; round++) {
    const [item] = decodeBatchAnswer(body).items;
    if (item?.status !== 'issued') break;
    const claim = { der: bytes(item.certificate), issuer, spki, identity: IDENTITY };
    if (checkLeaf(crypto, bundle, claim, notBefore).chain.length === 3) good++;
  }
  return good;
}

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

const DOCUMENT: TrustDocument = {
  version: 1,
  time: 0,
  boot: 'warm-up-',
  trustDomain: 'warm.up',
  cluster: 'warm-up',
  clusterId: 'warm-up',
  epoch: 0,
  bundleVersion: 0,
  enabled: true,
  roots: [ROOT],
  crossCertificates: [],
  intermediates: [{ id: 'warm-up', purpose: 'svid', certificate: INTERMEDIATE, current: true }],
  answerKey: { certificate: LEAF, issuer: 'warm-up' },
  evidenceKey: { kid: 'warm-up', jwk: { kty: 'EC', crv: 'P-256', x: '', y: '' } },
  servingNames: [],
  ttl: { floor: 1, default: 1, maximum: 1 },
};
