import { createHash } from 'node:crypto';
import type { TrustDocument } from '../../../ca-service/src/client/protocol.ts';
import { type Certificate, parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { ChainMemo } from '../../../pki/src/chain/verify.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { TrustError } from './errors.ts';

export interface KnownIntermediate {
  readonly id: string;
  readonly purpose: 'svid' | 'serving';
  readonly certificate: Certificate;
  readonly current: boolean;
}

/** A trust document with its certificates read. Reading says nothing on whether it may be believed. */
export interface Bundle {
  readonly document: TrustDocument;
  /** Active first. */
  readonly roots: readonly Certificate[];
  readonly crosses: readonly Certificate[];
  readonly intermediates: ReadonlyMap<string, KnownIntermediate>;
  readonly answerKey: Certificate;
  /** Signatures of CA certificates that were found good, for as long as this document is the one in use. */
  readonly memo: ChainMemo;
}

/** @throws TrustError `trust-malformed` when one of its certificates cannot be read: what we hand out is understood whole. */
export function readBundle(document: TrustDocument): Bundle {
  try {
    return {
      document,
      roots: document.roots.map(certificateOf),
      crosses: document.crossCertificates.map(certificateOf),
      intermediates: new Map(
        document.intermediates.map((each) => [each.id, { ...each, certificate: certificateOf(each.certificate) }]),
      ),
      answerKey: certificateOf(document.answerKey.certificate),
      memo: new ChainMemo(),
    };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new TrustError('trust-malformed', `a certificate in it cannot be read: ${error.message}`, { cause: error });
  }
}

/** Lower-case hex SHA-256 of the DER: how operators name a root. */
export function fingerprint({ der }: Pick<Certificate, 'der'>): string {
  return createHash('sha256').update(der).digest('hex');
}

/** The codec of the document has checked the alphabet. A copy of its own: pooled bytes would be overwritten. */
function certificateOf(base64: string): Certificate {
  return parseCertificate(new Uint8Array(Buffer.from(base64, 'base64')));
}
