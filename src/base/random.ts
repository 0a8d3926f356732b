/**
 * Reproducible pseudo-random numbers.
 *
 * @module
 */

const TWO_TO_32 = 2 ** 32;

/**
 * A generator of numbers from 0 up to 1, the same for the same seed on every machine: xoshiro128** 1.1 by Blackman and
 * Vigna (prng.di.unimi.it), its state filled by SplitMix32 so that similar seeds give unrelated sequences. Not for
 * secrets.
 *
 * @param path Names one of many independent sequences of a seed, such as a client's number and a direction.
 */
export function seededRandom(seed: number, ...path: readonly number[]): () => number {
  const next = splitMix32(stateOf(seed, path));
  let [a, b, c, d] = [next(), next(), next(), next()];
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result / TWO_TO_32;
  };
}

/**
 * Random access to numbers from 0 up to 1: the number depends on the index only, not on the order of calls.
 *
 * @param path See {@linkcode seededRandom}.
 */
export function seededDraw(seed: number, ...path: readonly number[]): (index: number) => number {
  const state = stateOf(seed, path);
  return (index) => mix(state + Math.imul(index + 1, 0x9e3779b9)) / TWO_TO_32;
}

/** A normally distributed number with standard deviation 1 from two numbers of {@linkcode seededRandom}, by Box and Muller (1958), at most 4 either way. */
export function normalDeviate(first: number, second: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - first));
  return Math.max(-4, Math.min(4, radius * Math.cos(2 * Math.PI * second)));
}

/** A seed for a run without an explicit one. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

function stateOf(seed: number, path: readonly number[]): number {
  return path.reduce((state, number) => splitMix32(state ^ splitMix32(number)())(), seed);
}

/** The 32-bit form of SplitMix64 (Steele, Lea, Flood 2014), with the finalizer of MurmurHash3. */
function splitMix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state);
  };
}

function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
