import type { NameConstraints, Subtrees } from '../certificate/extensions.ts';
import type { Tbs } from '../certificate/parse.ts';

/** Names times subtrees of one certificate and one CA: thousands of each are an attack on the verifier. */
const MAX_COMPARISONS = 16_384;

/** Labels, the first of which may be a wildcard. */
const DNS_SAN = /^(\*|[a-z0-9_-]+)(\.[a-z0-9_-]+)*$/i;

/**
 * Says how the names of a certificate break the constraints of a CA above it, or null. Matching per RFC 5280 §4.2.1.10
 * for dNSName, iPAddress and rfc822Name; where stacks differ, the reading that refuses more. Constraints of other kinds
 * never get here: a chain with one is refused whole.
 */
export function nameConstraintViolation(
  { permitted, excluded }: NameConstraints,
  { dnsSans, ipSans, mailSans }: Pick<Tbs, 'dnsSans' | 'ipSans' | 'mailSans'>,
): string | null {
  const names = dnsSans.length + ipSans.length + mailSans.length;
  if (names * (size(permitted) + size(excluded)) > MAX_COMPARISONS) return 'there are too many names to compare';
  for (const name of dnsSans) {
    if (!DNS_SAN.test(name)) return `DNS name ${name} is none, so no constraint can hold for it`;
    if (excluded.dns.some((subtree) => dnsMayOverlap(name, subtree))) return `DNS name ${name} is excluded`;
    if (permitted.dns.length > 0 && !permitted.dns.some((subtree) => dnsWithin(name, subtree))) {
      return `DNS name ${name} is not permitted`;
    }
  }
  for (const ip of ipSans) {
    if (excluded.ip.some((subtree) => ipWithin(ip, subtree))) return 'an IP address is excluded';
    if (permitted.ip.length > 0 && !permitted.ip.some((subtree) => ipWithin(ip, subtree))) {
      return 'an IP address is not permitted';
    }
  }
  for (const mailbox of mailSans) {
    if (!mailbox.includes('@')) return `mailbox ${mailbox} is none, so no constraint can hold for it`;
    if (excluded.mail.some((subtree) => subtree === '' || mailWithin(mailbox, subtree))) {
      return `mailbox ${mailbox} is excluded`;
    }
    if (permitted.mail.length > 0 && !permitted.mail.some((subtree) => mailWithin(mailbox, subtree))) {
      return `mailbox ${mailbox} is not permitted`;
    }
  }
  return null;
}

function size({ dns, ip, mail }: Subtrees): number {
  return dns.length + ip.length + mail.length;
}

/** A name is within "" always, within "a.b" if it is that or ends in ".a.b", within ".a.b" only if it ends in that. */
function dnsWithin(name: string, subtree: string): boolean {
  const lower = name.toLowerCase();
  const host = lower.startsWith('*.') ? lower.slice(2) : lower;
  const constraint = subtree.toLowerCase();
  if (constraint === '') return true;
  if (constraint.startsWith('.')) return lower.endsWith(constraint);
  return host === constraint || host.endsWith(`.${constraint}`);
}

/** For exclusions a wildcard also counts as every name below it, so that `*.b` cannot slip past an excluded `a.b`. */
function dnsMayOverlap(name: string, subtree: string): boolean {
  if (dnsWithin(name, subtree)) return true;
  return name.startsWith('*.') && subtree.toLowerCase().endsWith(name.slice(1).toLowerCase());
}

/** A subtree of another address family never matches. */
function ipWithin(ip: Uint8Array, subtree: Uint8Array): boolean {
  const size = ip.length;
  if (subtree.length !== 2 * size) return false;
  for (let i = 0; i < size; i++) {
    const mask = subtree[size + i] ?? 0;
    if (((ip[i] ?? 0) & mask) !== ((subtree[i] ?? 0) & mask)) return false;
  }
  return true;
}

/** "user@host" is that mailbox, "host" every mailbox on exactly that host, ".host" every mailbox on hosts below it. */
function mailWithin(mailbox: string, subtree: string): boolean {
  const at = mailbox.lastIndexOf('@');
  const host = mailbox.slice(at + 1).toLowerCase();
  const constraint = subtree.toLowerCase();
  if (subtree.includes('@')) {
    const split = subtree.lastIndexOf('@');
    return mailbox.slice(0, at) === subtree.slice(0, split) && host === constraint.slice(split + 1);
  }
  return constraint.startsWith('.') ? host.endsWith(constraint) : constraint !== '' && host === constraint;
}
