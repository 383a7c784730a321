import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;

interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
}

export interface FetchAnswer {
  status: number;
  contentType: string;
  text: string;
  /** The header, empty where there is none. */
  date: string;
}

const TIMEOUT_MS = 15_000;
const BODY_LIMIT = 16 * 1024 * 1024;

/**
 * A fetch over `node:https`, because the global one cannot be given TLS roots. Redirects are answers, not followed:
 * a token must not travel to where a server points.
 * @param roots PEM; replaces the public roots
 */
export function nodeFetch({ roots }: { roots?: string | undefined } = {}): Fetch {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const secure = target.protocol === 'https:';
      const options = {
        method: init.method,
        headers: {
          ...init.headers,
          ...(init.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(init.body)) }),
        },
        timeout: TIMEOUT_MS,
        ...(secure ? { minVersion: 'TLSv1.2' as const, ...(roots === undefined ? {} : { ca: roots }) } : {}),
      };
      const request = (secure ? httpsRequest : httpRequest)(target, options, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > BODY_LIMIT) request.destroy(new Error('the answer is larger than 16 MiB'));
          else chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            contentType: (answer.headers['content-type'] ?? '').split(';')[0] ?? '',
            text: Buffer.concat(chunks).toString('utf8'),
            date: answer.headers.date ?? '',
          }),
        );
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on('error', reject);
      request.end(init.body);
    });
}
