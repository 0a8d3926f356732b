import { type Cidr, isInCidr, parseCidr } from "../../base/cidr.ts";
import { parseIp } from "../../base/ip.ts";

/** An address range, a host name, or a domain with its subdomains. */
type TargetRule = { readonly range: Cidr } | { readonly name: string } | { readonly suffix: string };

/** The targets of a proxy. Deny takes precedence; if any rule allows, everything else is denied. */
export class TargetList {
  readonly #allow: readonly TargetRule[];
  readonly #deny: readonly TargetRule[];

  /**
   * @throws {SyntaxError} A rule is neither a range nor a name.
   */
  constructor({ allow, deny }: { readonly allow: readonly string[]; readonly deny: readonly string[] }) {
    this.#allow = allow.map(parseRule);
    this.#deny = deny.map(parseRule);
  }

  /** Whether a name is denied, whatever its addresses are. */
  isDenied(host: string): boolean {
    return this.#deny.some((rule) => isMatch(rule, plainName(host), ""));
  }

  /** Whether a target is allowed, given the requested name and one of its addresses. */
  isAllowed(host: string, address: string): boolean {
    const matches = (rule: TargetRule) => isMatch(rule, plainName(host), address);
    if (this.#deny.some(matches)) return false;
    return this.#allow.length === 0 || this.#allow.some(matches);
  }
}

function parseRule(text: string): TargetRule {
  if (text.includes("/") || parseIp(text) !== undefined) return { range: parseCidr(text) };
  const [, star, name = ""] = /^(\*\.)?([\w-]+(?:\.[\w-]+)*)$/.exec(text) ?? [];
  if (name === "") {
    throw new SyntaxError(`Cannot parse target "${text}": for example 10.0.0.0/8, db.internal or *.internal`);
  }
  return star === undefined ? { name: name.toLowerCase() } : { suffix: `.${name.toLowerCase()}` };
}

/** In lower case, without the trailing dot. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function isMatch(rule: TargetRule, host: string, address: string): boolean {
  if ("name" in rule) return host === rule.name;
  if ("suffix" in rule) return host.endsWith(rule.suffix);
  const bytes = parseIp(address);
  return bytes !== undefined && isInCidr(bytes, rule.range);
}
