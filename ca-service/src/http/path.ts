import { CaError } from '../errors.ts';

/**
 * One spelling of each path: segments of unreserved characters (RFC 3986 §2.3) that are not `.` or `..`. So no router,
 * proxy or cache before us can read another path than we do, and what the agent signed is what is routed.
 */
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]{1,253})+$/;
const MAX_PATH = 2_048;

/** The path of a request, unparsed by anyone; throws `path-not-canonical`. */
export function canonicalPath(requestUrl: string): string {
  const start = requestUrl.indexOf('/', requestUrl.indexOf('://') + 3);
  const end = requestUrl.slice(start).search(/[?#]/);
  const path = start < 0 ? '/' : end < 0 ? requestUrl.slice(start) : requestUrl.slice(start, start + end);
  if (path !== '/' && (path.length > MAX_PATH || !CANONICAL.test(path))) {
    throw new CaError('path-not-canonical', 'a path is segments of letters, digits, dot, hyphen, underscore and tilde');
  }
  return path;
}
