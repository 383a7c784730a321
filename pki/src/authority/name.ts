import type { JsonName } from '@peculiar/x509';
import { PkiError } from '../errors.ts';

/** RFC 5280 appendix A, ub-common-name. */
const MAX_COMMON_NAME = 64;

/** Characters that mean nothing to the text forms of a Name, so that what is asked for is what is encoded. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/;

/**
 * A common name for one key of a trust domain: "<trust domain> <role> <id>", a long trust domain cut so that role and id
 * remain. The id makes it unique per key: path building and CRL lookup go by name, and two keys of one name were observed
 * as an outage.
 */
export function authorityCommonName(trustDomain: string, role: string, id: string): string {
  const tail = ` ${role} ${id}`;
  return `${trustDomain.slice(0, MAX_COMMON_NAME - tail.length)}${tail}`;
}

/** O=ambient-ca, CN=<common name>. */
export function authorityName(commonName: string): JsonName {
  if (commonName.length > MAX_COMMON_NAME || !PLAIN.test(commonName)) {
    throw new PkiError(
      'profile-facts',
      `a common name is at most ${MAX_COMMON_NAME} letters, digits, spaces, dots and dashes`,
    );
  }
  return [{ O: ['ambient-ca'] }, { CN: [commonName] }];
}
