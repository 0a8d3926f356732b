import unhomoglyph from "unhomoglyph";

/**
 * Key of names that people cannot tell apart: they differ by case (`IVAN`, `ivan`) or their letters look alike (`ivan`,
 * `lvan`, `1van`; UTS 39, section 4). Both cases are compared, since each has its own look-alikes.
 */
export function nickKey(nick: string): string {
  const capitals = unhomoglyph(nick.normalize("NFKC").toUpperCase());
  return unhomoglyph(capitals.toLowerCase()).toLowerCase();
}
