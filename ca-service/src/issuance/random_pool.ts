/** Octets drawn at once: enough for the serials and lives of some two hundred certificates. */
const POOL_OCTETS = 4096;

/**
 * Random octets from the platform, drawn in large pieces: a call into it costs more than what it answers. No octet is
 * given twice, and none is overwritten, because each piece is a buffer of its own.
 */
export function pooledRandom(draw: (length: number) => Uint8Array): (length: number) => Uint8Array {
  let pool = new Uint8Array();
  let at = 0;
  return (length) => {
    if (length > POOL_OCTETS) return draw(length);
    if (at + length > pool.length) {
      pool = Uint8Array.from(draw(POOL_OCTETS));
      at = 0;
    }
    at += length;
    return pool.subarray(at - length, at);
  };
}
