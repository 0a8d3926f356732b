import { indexOfBytes, preview } from "../base/bytes.ts";

/** What a reply must be like. */
export interface Expectation {
  /** As a sentence needs it: `"pong"`, `/^OK/`. */
  readonly name: string;
  /** Whether the bytes are as expected. */
  isMetBy(data: Uint8Array): boolean;
}

/** The bytes must occur in the reply. */
export function expectBytes(wanted: Uint8Array): Expectation {
  return { name: `"${preview(wanted)}"`, isMetBy: (data) => indexOfBytes(data, wanted) !== -1 };
}

/**
 * The regular expression must match the reply, read as UTF-8.
 *
 * @throws {SyntaxError} It is none.
 */
export function expectRegex(source: string): Expectation {
  const regex = new RegExp(source, "u");
  return { name: `/${source}/`, isMetBy: (data) => regex.test(new TextDecoder().decode(data)) };
}
