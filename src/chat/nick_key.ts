import unhomoglyph from "unhomoglyph";

/**
 * What names share that people take for the same: in capitals (`IVAN`, `ivan`),
 * or because their letters look alike (`ivan`, `lvan`, `1van`; UTS 39, section 4).
 * The letters are compared in both cases, since each has look-alikes of its own.
 */
export function nickKey(nick: string): string {
  const capitals = unhomoglyph(nick.normalize("NFKC").toUpperCase());
  return unhomoglyph(capitals.toLowerCase()).toLowerCase();
}
