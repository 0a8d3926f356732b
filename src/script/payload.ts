import { concat, unescape, utf8 } from "../base/bytes.ts";

/** What regular expressions have captured so far: `1`, `2`, ... and the names of their groups. */
export type Captures = ReadonlyMap<string, string>;

/** Bytes to send or to expect, in which captured groups may have their place. */
export interface Payload {
  /** The bytes, with what has been captured put in. */
  bytes(captures: Captures): Uint8Array;
}

/** Bytes as they are. */
export function bytesPayload(bytes: Uint8Array): Payload {
  return { bytes: () => bytes };
}

/**
 * A text in which `{1}` and `{name}` stand for captured groups, where such a
 * group has been captured, and escapes such as `\n` for what they do in C.
 *
 * @throws {SyntaxError} An unknown escape.
 */
export function textPayload(text: string, options: { isLiteral?: boolean } = {}): Payload {
  const plain = options.isLiteral ? utf8 : unescape;
  // Cut before escapes are read: what a peer sent is never read as an escape.
  const parts = text.split(/(\{\w+\})/).map((part, index) =>
    index % 2 === 0 ? { bytes: plain(part) } : { bytes: utf8(part), name: part.slice(1, -1) }
  );
  return {
    bytes: (captures) =>
      concat(parts.map(({ bytes, name }) => {
        const captured = name === undefined ? undefined : captures.get(name);
        return captured === undefined ? bytes : utf8(captured);
      })),
  };
}

/** The source of a regular expression with what has been captured put in, to be matched as it is. */
export function fillRegex(source: string, captures: Captures): string {
  return source.replaceAll(/\{([A-Za-z_]\w*)\}/g, (whole, name: string) => {
    const captured = captures.get(name);
    return captured === undefined ? whole : escapeRegex(captured);
  });
}

/** The source of a regular expression that matches the text and nothing else. */
export function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
