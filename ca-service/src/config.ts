/** Settings of the deployment as the platform gives them; secrets are text or absent. */
export interface RawSettings {
  CA_URL?: string | undefined;
  ENVIRONMENT?: string | undefined;
  BOOTSTRAP_TOKEN?: string | undefined;
}

export interface Config {
  /** Origin under which agents and operators reach the CA, without a trailing slash: part of what agents sign. */
  caUrl: string;
  /** Null where bootstrapping by HTTP is switched off, as it should be once it was done. */
  bootstrapToken: string | null;
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: string[] };

const DEVELOPMENT_URL = 'http://127.0.0.1:8787';
const BOOTSTRAP_TOKEN = /^[\x21-\x7e]{32,512}$/;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Reports every fault at once. Nothing has a fallback except in `dev`, and `dev` has to be said. */
export function parseConfig(raw: RawSettings): ConfigResult {
  const faults: string[] = [];
  const environment = raw.ENVIRONMENT;
  if (environment !== 'dev' && environment !== 'production') faults.push('ENVIRONMENT: expected dev or production');
  const caUrl = raw.CA_URL ?? (environment === 'dev' ? DEVELOPMENT_URL : undefined);
  const urlFault = caUrl === undefined ? 'missing' : faultOfUrl(caUrl, environment === 'dev');
  if (urlFault !== null) faults.push(`CA_URL: ${urlFault}`);
  // workerd gives null for a variable that is not set.
  if (typeof raw.BOOTSTRAP_TOKEN === 'string' && !BOOTSTRAP_TOKEN.test(raw.BOOTSTRAP_TOKEN)) {
    faults.push('BOOTSTRAP_TOKEN: expected 32 to 512 visible ASCII characters');
  }
  if (faults.length > 0 || caUrl === undefined) return { ok: false, faults };
  return { ok: true, config: { caUrl, bootstrapToken: raw.BOOTSTRAP_TOKEN ?? null } };
}

/** Plain HTTP is for development on this machine only: tokens travel in it. */
function faultOfUrl(text: string, dev: boolean): string | null {
  if (!URL.canParse(text)) return 'not a URL';
  const url = new URL(text);
  if (url.origin !== text) return `expected an origin as in ${url.origin}, without a trailing slash or path`;
  if (url.protocol === 'https:') return null;
  if (url.protocol === 'http:' && dev && LOOPBACK.has(url.hostname)) return null;
  return 'expected https (http only in dev, on a loopback address)';
}
