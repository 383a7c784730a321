const BEARER = /^Bearer ([\x21-\x7e]+)$/;

/** The one credential of an `authorization` header; null where it is missing, another scheme, or more than one. */
export function bearerOf(header: string | null): string | null {
  const text = BEARER.exec(header ?? '')?.[1];
  return text === undefined || text.includes(',') ? null : text;
}
