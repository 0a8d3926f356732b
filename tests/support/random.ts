import { seededRandom } from "@parley/parley";

/** Whole numbers from 0 to `below` - 1, the same ones in every run. */
export function randomBelow(seed: number): (below: number) => number {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

/** The bytes in pieces of 1 to `max` bytes, none of them shared. */
export function cutRandomly(bytes: Uint8Array, max: number, random: (below: number) => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + 1 + random(max));
    pieces.push(bytes.slice(from, to));
    from = to;
  }
  return pieces;
}
