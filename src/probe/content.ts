import { preview, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { fieldOf } from "../base/json.ts";
import { type HttpFields, TOKEN } from "../http/head.ts";
import { notReady, type ProbeExpectations, type ProbeTarget } from "./probe.ts";

/**
 * Compares a body or the content of a file with the expectations.
 *
 * @throws {NotReadyError} It differs.
 * @throws {UsageError} The expectation is malformed.
 */
export function assertContent(target: ProbeTarget, bytes: Uint8Array, expected: ProbeExpectations): void {
  const { body, bodyRegex, bodyJson } = expected;
  const text = new TextDecoder().decode(bytes);
  if (body !== undefined && !text.includes(body)) {
    throw notReady(target, `"${preview(bytes, 80)}" does not contain "${body}"`);
  }
  if (bodyRegex !== undefined && !bodyRegex.test(text)) {
    throw notReady(target, `"${preview(bytes, 80)}" does not match ${bodyRegex}`);
  }
  if (bodyJson !== undefined) assertJson(target, text, bodyJson);
}

function assertJson(target: ProbeTarget, text: string, expectation: string): void {
  const [path, wanted] = splitJsonExpectation(expectation);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notReady(target, "the body is not JSON", error);
  }
  for (const key of path.replaceAll(/\[(\d+)\]/g, ".$1").split(".").filter(Boolean)) {
    value = fieldOf(value, key);
  }
  const found = typeof value === "string" ? value : JSON.stringify(value) ?? "missing";
  if (found !== wanted) throw notReady(target, `${path} is ${found}, not ${wanted}`);
}

/**
 * Compares response headers with the expectations.
 *
 * @throws {NotReadyError} One is missing or differs.
 * @throws {UsageError} An expectation is malformed.
 */
export function assertHeaders(target: ProbeTarget, fields: HttpFields, expected: readonly string[]): void {
  for (const [name, text] of expected.map(splitHeaderExpectation)) {
    const value = fields.get(name.toLowerCase());
    if (value === undefined) throw notReady(target, `the response has no header ${name}`);
    if (value.includes(text)) continue;
    throw notReady(target, `the header ${name}: "${preview(utf8(value), 80)}" does not contain "${text}"`);
  }
}

function splitHeaderExpectation(expectation: string): [name: string, text: string] {
  const [, name, text = ""] = EXPECTED_HEADER.exec(expectation) ?? [];
  if (name !== undefined) return [name, text];
  throw new UsageError(`Cannot expect the header "${expectation}": for example Content-Type, or Content-Type: json`);
}

const EXPECTED_HEADER = new RegExp(`^(${TOKEN})(?::[ \\t]*(.*))?$`, "s");
const HEADER = new RegExp(`^(${TOKEN}):[ \\t]*([^\\r\\n\\0]*)$`);

/**
 * Checks the expectations themselves before the first attempt.
 *
 * @throws {UsageError} One is malformed.
 */
export function assertExpectations(
  { status, method, headers = [], responseHeaders = [], bodyJson }: ProbeExpectations,
): void {
  if (status !== undefined) isInStatusRanges(status, -1);
  if (method !== undefined && !new RegExp(`^${TOKEN}$`).test(method)) {
    throw new UsageError(`Cannot use the HTTP method "${method}": for example GET or HEAD`);
  }
  headerFields(headers);
  responseHeaders.forEach(splitHeaderExpectation);
  if (bodyJson !== undefined) splitJsonExpectation(bodyJson);
}

/**
 * Parses header lines; lines with the same name are joined (RFC 9110, section 5.3).
 *
 * @throws {UsageError} A line is malformed; the message omits it, since it may contain a password.
 */
export function headerFields(lines: readonly string[]): Record<string, string> {
  const fields = new Map<string, [name: string, value: string]>();
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError('Cannot send a header: expected "Name: value" on one line');
    }
    const key = name.toLowerCase();
    const [firstName, before] = fields.get(key) ?? [name];
    const separator = key === "cookie" ? "; " : ", ";
    fields.set(key, [firstName, before === undefined ? value : `${before}${separator}${value}`]);
  }
  return Object.fromEntries(fields.values());
}

function splitJsonExpectation(expectation: string): [string, string] {
  const [, path, wanted] = /^([^=]+)=(.*)$/s.exec(expectation) ?? [];
  if (path !== undefined && wanted !== undefined) return [path, wanted];
  throw new UsageError(`Cannot compare "${expectation}": expected PATH=VALUE, for example checks.db[0].status=up`);
}

/** Whether a status is in a list such as `200-299,401`. */
export function isInStatusRanges(ranges: string, status: number | undefined): boolean {
  return status !== undefined && ranges.split(",").some((part) => {
    const [, from, to] = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(part) ?? [];
    if (from === undefined) throw new UsageError(`Cannot use the statuses "${ranges}": for example 200-299,401`);
    return status >= Number(from) && status <= Number(to ?? from);
  });
}
