/**
 * Primes by which the moduli of the RSALib of Infineon chips give themselves away: modulo each, such a modulus is a power
 * of 65537 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, CVE-2017-15361). By chance one in 2^27 is.
 */
const PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
const GENERATOR = 65_537;

const POWERS = PRIMES.map((prime) => {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * GENERATOR) % prime) powers.add(power);
  return { prime, powers };
});

/** Whether an RSA modulus (big-endian) is one that can be factored because a chip made it badly. */
export function isRoca(modulus: Uint8Array): boolean {
  return POWERS.every(({ prime, powers }) => {
    let rest = 0;
    for (const octet of modulus) rest = (rest * 256 + octet) % prime;
    return powers.has(rest);
  });
}
