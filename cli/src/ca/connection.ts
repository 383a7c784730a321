import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { readInput, type Io } from '../io.ts';
import { AdminApi } from './api.ts';
import { nodeFetch } from './node_fetch.ts';

export interface ConnectionOptions {
  ca?: string;
  tokenFile?: string;
  caCert?: string;
}

export interface Connection {
  readonly url: string;
  readonly api: AdminApi;
  /** PEM of `--ca-cert`, for the settings that `cluster enrol` prints; null for a CA with a public certificate. */
  readonly tlsRoots: { path: string; pem: string } | null;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('--ca <url>', 'URL of the CA (or AMBIENT_CA_URL)')
    .option('--token-file <file>', 'file with the API token (or AMBIENT_CA_TOKEN_FILE)')
    .option('--ca-cert <file>', 'PEM roots of the CA’s own TLS certificate, if it is private (or AMBIENT_CA_CERT)');
}

/**
 * @param authenticated false for what is public (the bundle), where a token is used if there is one
 * @throws CliError `ca-url`, `ca-token`, `input-file`
 */
export function connect(io: Io, options: ConnectionOptions, authenticated = true): Connection {
  const url = caUrl(options.ca ?? io.env['AMBIENT_CA_URL']);
  const caCert = options.caCert ?? io.env['AMBIENT_CA_CERT'];
  const tlsRoots = caCert === undefined ? null : { path: caCert, pem: readInput(caCert, '--ca-cert') };
  if (tlsRoots !== null && !tlsRoots.pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new CliError('input-file', `--ca-cert: ${tlsRoots.path} holds no PEM certificate`, {
      next: 'name a PEM file with the root (not the key) of the CA’s TLS certificate',
    });
  }
  const tokenFile = options.tokenFile ?? io.env['AMBIENT_CA_TOKEN_FILE'];
  if (tokenFile === undefined && authenticated) {
    throw new CliError('ca-token', 'no API token is named', {
      next: 'give --token-file FILE, or set AMBIENT_CA_TOKEN_FILE; `ambient-ca bootstrap` makes the first token',
    });
  }
  const token = tokenFile === undefined ? null : readToken(io, tokenFile, '--token-file');
  return { url, api: new AdminApi({ url, token, fetch: nodeFetch({ roots: tlsRoots?.pem }) }), tlsRoots };
}

/** Reads a bearer token: one line, nothing around it. */
export function readToken(io: Io, path: string, option: string): string {
  const token = readInput(path, option).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new CliError('ca-token', `${option}: ${path} does not hold exactly one token`, {
      next: 'the file is one line: the token that `ambient-ca bootstrap` or `api-token create` wrote',
    });
  }
  if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') {
    io.err(`warning: ${path} can be read by others; chmod 600 it\n`);
  }
  return token;
}

function caUrl(text: string | undefined): string {
  if (text === undefined || text === '') {
    throw new CliError('ca-url', 'no CA is named', {
      next: 'give --ca https://…, or set AMBIENT_CA_URL (`npm start` prints both settings for the development CA)',
    });
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url !== null && url.search === '' && url.hash === '' && url.username === '' && url.pathname === '/';
  if (url === null || !bare || !['https:', 'http:'].includes(url.protocol)) {
    throw new CliError('ca-url', `${text} is not the URL of a CA`, {
      next: 'give scheme, host and port only, as in https://ca.example.com',
    });
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new CliError('ca-url', `${text}: plain http would show the API token to the network`, {
      next: 'use https:// (with --ca-cert FILE if its certificate is private); http is for loopback only',
    });
  }
  return url.origin;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
