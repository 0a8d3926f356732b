import { messageOf, UsageError } from "../base/errors.ts";
import { parseIp } from "../base/ip.ts";
import { type Cidr, isInCidr, parseCidr } from "../base/cidr.ts";
import type { Gate, Refusal } from "./gate.ts";

/** Rules of an {@linkcode AccessList}. */
export interface AccessRules {
  /** Allowed ranges; if empty, all addresses are allowed. */
  readonly allow: readonly string[];
  /** Denied ranges; they take precedence. */
  readonly deny: readonly string[];
}

interface Ranges {
  readonly allow: readonly Cidr[];
  readonly deny: readonly Cidr[];
}

/**
 * Admits clients by their address. Deny takes precedence over allow; if there are allow rules, all other addresses are
 * denied.
 *
 * @example One network without one of its machines
 * ```ts
 * import { AccessList } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * const list = new AccessList({ allow: ["10.0.0.0/8"], deny: ["10.0.0.7"] });
 * assertEquals(["10.1.2.3", "::ffff:10.1.2.3", "10.0.0.7", "192.0.2.1"].map((ip) => list.isAllowed(ip)), [
 *   true,
 *   true,
 *   false,
 *   false,
 * ]);
 * ```
 */
export class AccessList implements Gate {
  #ranges: Ranges;

  /**
   * Parses the rules.
   *
   * @throws {SyntaxError} A range cannot be parsed.
   */
  constructor(rules: AccessRules) {
    this.#ranges = parseRules(rules);
  }

  /**
   * Replaces the rules; connected clients stay connected.
   *
   * @throws {SyntaxError} A range cannot be parsed; the rules stay as they were.
   */
  replace(rules: AccessRules): void {
    this.#ranges = parseRules(rules);
  }

  /** Whether the address is allowed. If there are rules, text that is not an IP address is denied. */
  isAllowed(address: string): boolean {
    const { allow, deny } = this.#ranges;
    if (allow.length === 0 && deny.length === 0) return true;
    const bytes = parseIp(address);
    if (bytes === undefined || deny.some((range) => isInCidr(bytes, range))) return false;
    return allow.length === 0 || allow.some((range) => isInCidr(bytes, range));
  }

  enter(address: string): Refusal | undefined {
    // Without a text, so that a denied client learns nothing about the service.
    return this.isAllowed(address) ? undefined : { reason: "denied" };
  }
}

/**
 * Parses a file of rules such as `allow 10.0.0.0/8` and `deny 10.0.0.7`; `#` starts a comment.
 *
 * @throws {UsageError} A line is invalid; the message names it.
 */
export function parseAccessRules(text: string, fileName: string): AccessRules {
  const rules = { allow: [] as string[], deny: [] as string[] };
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim().split(/\s+/);
    const [verb, range] = words;
    if (verb === "") continue;
    const where = `${fileName}, line ${index + 1}`;
    if (verb !== "allow" && verb !== "deny" || range === undefined || words.length > 2) {
      throw new UsageError(`${where}: expected "allow RANGE" or "deny RANGE", as in allow 10.0.0.0/8`);
    }
    try {
      parseCidr(range);
    } catch (error) {
      throw new UsageError(`${where}: ${messageOf(error)}`, { cause: error });
    }
    rules[verb].push(range);
  }
  return rules;
}

function parseRules(rules: AccessRules): Ranges {
  return { allow: rules.allow.map(parseCidr), deny: rules.deny.map(parseCidr) };
}
