import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { CaProxy } from './proxy.ts';

/** Two calls in flight, and the probes and serving certificates beside them. */
const MAX_SOCKETS = 12;

export interface PoolOptions {
  /** Of the CA. */
  readonly secure: boolean;
  /** PEM of further roots for the TLS of the CA, beside those of the system; null for none. */
  readonly caPem: string | null;
  readonly proxy: CaProxy | null;
}

/** Kept connections to the CA, through a tunnel (CONNECT) of the proxy if there is one. */
export function createPool({ secure, caPem, proxy }: PoolOptions): http.Agent {
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo', noDelay: true } as const;
  const through = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } };
  if (proxy !== null) requireTunnels(process.versions.node);
  if (!secure) return new http.Agent({ ...pool, ...through });
  return new https.Agent({ ...pool, ...through, minVersion: 'TLSv1.2', ...trusting(caPem) });
}

/**
 * No new request gets a connection of it: what is idle is closed now, and what is in use when it is free. So a root that
 * is trusted no longer takes the connections and TLS sessions with it that it vouched for.
 */
export function retirePool(pool: http.Agent): void {
  pool.maxFreeSockets = 0;
  for (const socket of Object.values(pool.freeSockets).flat()) socket?.destroy();
}

/** An older Node ignores the option in silence, and would go past the proxy. */
export function requireTunnels(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)) return;
  throw new Error(`Node ${version} cannot reach the CA through a proxy, expected 24.5 or newer`);
}

/** Without further roots Node is left to its own. */
function trusting(caPem: string | null): { ca?: string[] } {
  return caPem === null ? {} : { ca: [...tls.getCACertificates('default'), caPem] };
}
