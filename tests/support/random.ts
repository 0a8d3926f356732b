/** Numbers that look random and are the same in every run (mulberry32): `next(n)` is 0 to n - 1. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The bytes in pieces of 1 to `most` bytes, none of them shared. */
export function cutRandomly(bytes: Uint8Array, most: number, random: (below: number) => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + 1 + random(most));
    pieces.push(bytes.slice(from, to));
    from = to;
  }
  return pieces;
}
