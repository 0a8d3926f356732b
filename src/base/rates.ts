/**
 * Parses shares and rates: `5%`, `1Mbit`, `1000/s`.
 *
 * @module
 */

const BITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9 };

/**
 * Parses a percentage such as `5%` or `0.1%` into a share from 0 to 1.
 *
 * @throws {SyntaxError} It is not a percentage from 0% to 100%.
 */
export function parseShare(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent !== undefined && share <= 1) return share;
  throw new SyntaxError(`Cannot parse share "${text}": expected a percentage from 0% to 100%, as in 5% or 0.1%`);
}

/**
 * Parses a rate such as `1Mbit` or `500kbit` into bits per second.
 *
 * @throws {SyntaxError} It is not a rate above 0.
 */
export function parseBitRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kMG]?bit)(?:\/s)?$/.exec(text);
  const rate = Number(match?.[1]) * (BITS[match?.[2] ?? ""] ?? NaN);
  if (rate > 0) return rate;
  throw new SyntaxError(`Cannot parse rate "${text}": expected bits per second, as in 500kbit or 1Mbit`);
}

/**
 * Parses a rate such as `1000/s`, `1000` or `10Mbit` into messages per second.
 *
 * @param bytes Size of one message.
 * @throws {SyntaxError} It is not a rate above 0.
 */
export function parseMessageRate(text: string, bytes: number): number {
  if (text.includes("bit")) return parseBitRate(text) / (bytes * 8);
  const rate = Number(/^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text)?.[1]);
  if (rate > 0) return rate;
  throw new SyntaxError(`Cannot parse rate "${text}": expected messages or bits per second, as in 1000/s or 10Mbit`);
}
