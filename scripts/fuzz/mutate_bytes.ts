/** Bytes that are significant to parsers. */
const INTERESTING = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x3a, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xed, 0xff];
/** Longer input only adds repetition. */
const MAX_BYTES = 64 * 1024;

/** Changes some bytes of one input, sometimes to parts of another. */
export function mutateBytes(bytes: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  const below = (count: number) => Math.floor(random() * count);
  let data = [...bytes];
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(data.length + 1);
    const length = 1 + below(8);
    switch (below(7)) {
      case 0:
        data[at] = (data[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        data.splice(at, 0, INTERESTING[below(INTERESTING.length)] ?? 0);
        break;
      case 2:
        data.splice(at, length);
        break;
      case 3:
        data.splice(at, 0, ...other.slice(below(other.length), below(other.length) + 20));
        break;
      case 4:
        data = data.slice(0, at);
        break;
      case 5:
        data.splice(at, 0, ...Array.from({ length: 1 + below(200) }, () => data.slice(at, at + length)).flat());
        break;
      default:
        data[at] = below(256);
    }
  }
  return Uint8Array.from(data.slice(0, MAX_BYTES), (byte) => byte ?? 0);
}
