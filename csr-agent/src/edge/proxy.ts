import { BlockList, isIP } from 'node:net';

export interface CaProxy {
  /** With the credentials, if it has any: for the connection and nothing else. */
  readonly url: string;
  /** For the log. */
  readonly shown: string;
  /** The setting or variable it comes from. */
  readonly from: string;
}

/** @returns the URL of an HTTP proxy, `http://` where the scheme is left out; undefined for anything else */
export function parseProxyUrl(text: string): URL | undefined {
  try {
    const url = new URL(text.includes('://') ? text : `http://${text}`);
    const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.hostname !== '';
    return bare && (url.protocol === 'http:' || url.protocol === 'https:') ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The proxy on the way to the CA, or null for none. The setting wins; without one the variables count that OpenShift
 * and others set, read as Go programs beside us read them: NO_PROXY takes names, their subdomains, addresses, CIDR
 * ranges and ports, and loopback is never proxied (golang.org/x/net/http/httpproxy). Node's own reading has no ranges.
 *
 * @param setting `none`, a URL, or null when it is not set
 * @throws Error for a variable that is no URL of an HTTP proxy; it does not repeat the value, which may hold a password
 */
export function proxyFor(caUrl: string, setting: string | null, environment: NodeJS.ProcessEnv): CaProxy | null {
  if (setting !== null) return setting === 'none' ? null : proxyOf(setting, '--ca-proxy');
  const { protocol, hostname, port } = new URL(caUrl);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const [from, value] = variable(environment, protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (value === '' || isLoopback(host)) return null;
  const [, exceptions] = variable(environment, 'no_proxy');
  if (isExcepted(host, port === '' ? (protocol === 'https:' ? '443' : '80') : port, exceptions)) return null;
  return proxyOf(value, from);
}

function proxyOf(text: string, from: string): CaProxy {
  const url = parseProxyUrl(text);
  if (url === undefined) {
    throw new Error(`${from} is not the URL of a proxy, expected http://HOST:PORT; --ca-proxy wins over it`);
  }
  return { url: url.href, shown: `${url.protocol}//${url.host}`, from };
}

/** The lower-case one wins, as with curl and Node. */
function variable(environment: NodeJS.ProcessEnv, name: string): [name: string, value: string] {
  const upper = name.toUpperCase();
  const lowerValue = environment[name] ?? '';
  return lowerValue === '' ? [upper, environment[upper] ?? ''] : [name, lowerValue];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isExcepted(host: string, port: string, exceptions: string): boolean {
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (isIP(host) !== 0 && entry.includes('/')) return isInRange(host, entry);
  const [, name = '', onlyPort = port] = /^(\[[^\]]*\]|[^:]*|[0-9a-f:.]*)(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== port) return false;
  const bare = name.replace(/^\[(.*)\]$/, '$1').replace(/^\*\./, '.');
  if (bare.startsWith('.')) return host.endsWith(bare);
  return bare !== '' && (host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`)));
}

function isInRange(host: string, range: string): boolean {
  const [, network = '', bits = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(range) ?? [];
  if (isIP(network) === 0 || isIP(network) !== isIP(host)) return false;
  const type = isIP(host) === 4 ? 'ipv4' : 'ipv6';
  if (Number(bits) > (type === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), type);
  return list.check(host, type);
}
