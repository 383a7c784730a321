import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** `::` listens on IPv4, too, but cannot be had on a node that has no IPv6 at all: there it means every IPv4 address. */
export function listenHost(host: string, interfaces: Interfaces = networkInterfaces()): string {
  if (host !== '::') return host;
  const families = Object.values(interfaces).flatMap((addresses = []) => addresses.map(({ family }) => family));
  return families.includes('IPv6') ? host : '0.0.0.0';
}
