import type { Dev } from './dev.ts';

/** A row of the list of certificates. */
export interface LedgerRow {
  /** 32 hex digits. */
  serial: string;
  identity: string;
  podUid: string;
  node: string;
  /** Milliseconds since 1970. */
  issuedAt: number;
  notAfter: number;
  issuer: string;
  bundleVersion: number;
  level: string;
  requestId: string;
}

interface Page {
  rows: LedgerRow[];
  next: string | null;
}

const pathOf = (dev: Dev, query: Record<string, string>): string =>
  `/v1/trust-domains/${dev.info.trustDomain}/clusters/${dev.info.cluster}/certificates?${new URLSearchParams(query).toString()}`;

const MAX_PAGES = 1_000;

/** All pages, in order. `query` narrows: identity, node or serial; limit is the size of a page. */
export async function ledgerRows(dev: Dev, query: Record<string, string> = {}): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = (await dev.admin(
      pathOf(dev, { limit: '200', ...query, ...(cursor === null ? {} : { cursor }) }),
    )) as Page;
    rows.push(...page.rows);
    if (page.next === null) return rows;
    cursor = page.next;
  }
  throw new Error(`the list of certificates does not end within ${MAX_PAGES} pages`);
}

/** As the ledger writes it: lower-case hex of the 16 bytes. */
export const serialOf = (serialNumber: string): string => serialNumber.toLowerCase().padStart(32, '0');
