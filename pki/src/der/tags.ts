/** Identifier octets (X.690 §8.1.2) of what we read and write. Tag numbers above 30 never occur in our certificates. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag `n`, primitive. */
export const contextTag = (n: number): number => 0x80 | n;

/** Context-specific tag `n`, constructed. */
export const contextTagConstructed = (n: number): number => 0xa0 | n;
