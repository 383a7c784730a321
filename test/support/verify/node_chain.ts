import type { X509Certificate } from 'node:crypto';

/**
 * The path leaf → intermediates in the given order → a root, each step by name, key id and signature, with Node's X509Certificate.
 * @returns undefined, or what is wrong
 */
export function nodeChainFault(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): string | undefined {
  let current = leaf;
  for (const issuer of intermediates) {
    const fault = stepFault(current, issuer, now);
    if (fault !== undefined) return fault;
    current = issuer;
  }
  const anchors = roots.filter((root) => stepFault(current, root, now) === undefined);
  return anchors.length > 0 ? undefined : `no root issued ${JSON.stringify(current.subject)}`;
}

function stepFault(certificate: X509Certificate, issuer: X509Certificate, now: number): string | undefined {
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime())
    return 'outside its validity';
  if (!issuer.ca) return 'the issuer is no CA';
  if (!certificate.checkIssued(issuer)) return `${issuer.subject} did not issue it by name and key id`;
  return certificate.verify(issuer.publicKey) ? undefined : 'the signature does not verify';
}
