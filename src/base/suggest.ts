/** Longer words get no suggestion: the cost of the distance grows with the length. */
const MAX_TYPED = 64;

/** The known word closest to a mistyped one, if any is close enough. */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  if (typed.length > MAX_TYPED) return undefined;
  let best: string | undefined;
  // With two mistakes a short word could be any other.
  let bestDistance = (typed.length < 6 ? 1 : Math.max(2, Math.floor(typed.length / 3))) + 1;
  for (const word of known) {
    const distance = word.startsWith(typed) && typed.length >= 3 ? 1 : editDistance(typed, word);
    // A word with no letter in common was not meant.
    if (distance < Math.min(bestDistance, word.length)) [best, bestDistance] = [word, distance];
  }
  return best;
}

/** A hint about a mistyped word for a message: the known word that was meant, or else `otherwise`. */
export function didYouMean(typed: string, known: readonly string[], otherwise: string, prefix = ""): string {
  const near = suggest(typed, known);
  return near === undefined ? otherwise : `did you mean ${prefix}${near}?`;
}

/** Insertions, deletions, substitutions and transpositions between two words (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
