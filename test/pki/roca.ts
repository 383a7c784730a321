import { fromHex } from '../../pki/src/bytes.ts';

const PRIMORIAL = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]
  .map(BigInt)
  .reduce((product, prime) => product * prime);

/** A number of 2048 bits with the mark that RSALib leaves: a power of 65537 modulo small primes. Odd, as a modulus is. */
export function rocaModulus(): Uint8Array {
  const start = 2n ** 2047n + 2n ** 1999n;
  const mark = 65_537n ** 5n % PRIMORIAL;
  const number = start - (start % PRIMORIAL) + mark;
  return fromHex((number % 2n === 1n ? number : number + PRIMORIAL).toString(16));
}
