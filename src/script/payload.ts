import { concat, unescape, utf8 } from "../base/bytes.ts";

/** Captured groups by number and name. */
export type Captures = ReadonlyMap<string, string>;

/** Bytes to send or expect, with optional placeholders for captured groups. */
export interface Payload {
  /** The bytes with captures substituted. */
  bytes(captures: Captures): Uint8Array;
}

export function bytesPayload(bytes: Uint8Array): Payload {
  return { bytes: () => bytes };
}

/**
 * A text with C escapes and with placeholders `{1}` and `{name}`, which are replaced if such a group has been captured.
 *
 * @throws {SyntaxError} The text has an unknown escape.
 */
export function textPayload(text: string, options: { isLiteral?: boolean } = {}): Payload {
  const plain = options.isLiteral ? utf8 : unescape;
  // Split before escapes are decoded, so that captured data is never taken for an escape.
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

/** The source of a regular expression with captures substituted literally. */
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
