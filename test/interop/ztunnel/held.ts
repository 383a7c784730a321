import { X509Certificate } from 'node:crypto';
import { refreshAt } from '../../support/client/schedule.ts';
import { until } from '../../support/processes.ts';
import type { DumpedCertificate } from './mesh.ts';

/** A certificate as /config_dump shows it; times are milliseconds since 1970. */
export interface Held {
  serial: string;
  /** When ztunnel renews it. */
  due: number;
  notAfter: number;
  /** Hexadecimal SHA-256 of the roots that came with it. */
  roots: string[];
}

/** Dedicated and Shared ztunnels alike. */
export interface Holder {
  certificates(): Promise<DumpedCertificate[]>;
}

const fingerprint = (pem: Buffer): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

/** By identity; an identity without a certificate is not among them. */
export async function held(holder: Holder): Promise<Map<string, Held>> {
  const all = new Map<string, Held>();
  for (const { identity, certChain, rootCerts } of await holder.certificates()) {
    const [leaf] = certChain;
    if (leaf === undefined) continue;
    const [notBefore, notAfter] = [Date.parse(leaf.validFrom), Date.parse(leaf.expirationTime)];
    const roots = rootCerts.map(({ pem }) => fingerprint(Buffer.from(pem, 'base64')));
    all.set(identity, { serial: leaf.serialNumber, due: refreshAt(notBefore, notAfter), notAfter, roots });
  }
  return all;
}

/** All identities of several ztunnels; none may hold the identity of another. */
export async function heldByAll(holders: readonly Holder[]): Promise<Map<string, Held>> {
  return new Map((await Promise.all(holders.map(held))).flatMap((each) => [...each]));
}

/** Waits until every identity of `before` has another certificate, and returns what is held then. */
export async function renewed(
  holders: readonly Holder[],
  before: ReadonlyMap<string, Held>,
  limitMs = 90_000,
): Promise<Map<string, Held>> {
  let missing: string[] = [];
  try {
    return await until('every renewal', limitMs, async () => {
      const now = await heldByAll(holders);
      missing = [...before].filter(([id, { serial }]) => (now.get(id)?.serial ?? serial) === serial).map(([id]) => id);
      return missing.length === 0 && now;
    });
  } catch (error) {
    throw new Error(`not renewed: ${missing.join(', ')}`, { cause: error });
  }
}

/** Identity to serial. */
export const serials = (all: ReadonlyMap<string, Held>): Map<string, string> =>
  new Map([...all].map(([identity, { serial }]) => [identity, serial]));

export const firstDue = (all: ReadonlyMap<string, Held>): number =>
  Math.min(...[...all.values()].map(({ due }) => due));
export const lastDue = (all: ReadonlyMap<string, Held>): number => Math.max(...[...all.values()].map(({ due }) => due));
export const firstEnd = (all: ReadonlyMap<string, Held>): number =>
  Math.min(...[...all.values()].map(({ notAfter }) => notAfter));
