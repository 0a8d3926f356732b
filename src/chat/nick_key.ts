import unhomoglyph from "unhomoglyph";

/** Keys of ASCII characters, each filled in when it is first needed. */
const ASCII_KEYS: (string | undefined)[] = new Array(0x80);

/**
 * Key of names that people cannot tell apart: they differ by case (`IVAN`, `ivan`) or their letters look alike (`ivan`,
 * `lvan`, `1van`; UTS 39, section 4). Both cases are compared, since each has its own look-alikes.
 */
export function nickKey(nick: string): string {
  // Each client gets a name of ASCII characters, no two of which are replaced together.
  let key = "";
  for (let index = 0; index < nick.length; index++) {
    const code = nick.charCodeAt(index);
    if (code >= 0x80) return keyOfUnicode(nick);
    key += ASCII_KEYS[code] ??= keyOfUnicode(nick.charAt(index));
  }
  return key;
}

function keyOfUnicode(text: string): string {
  const capitals = unhomoglyph(text.normalize("NFKC").toUpperCase());
  return unhomoglyph(capitals.toLowerCase()).toLowerCase();
}
