import { UsageError } from "../../base/errors.ts";

/** Address of NATS and credentials. */
export interface ClusterAddress {
  /** `host:port` of each server. */
  readonly servers: readonly string[];
  readonly isTls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

const EXAMPLE = "write it as in nats://127.0.0.1:4222,nats://10.0.0.2:4222";

/**
 * Parses `nats://[USER:PASSWORD@|TOKEN@]HOST[:4222],...`; `tls://` requires TLS. The scheme and the user of the first
 * server apply to all.
 *
 * @throws {UsageError} The text is not such a list.
 */
export function parseClusterAddress(text: string): ClusterAddress {
  const [first, ...more] = text.split(",").map((part) => part.trim());
  const { url, isTls } = parseOne(text, first ?? "", "nats");
  const scheme = isTls ? "tls" : "nats";
  const others = more.map((part) => parseOne(text, part, scheme));
  if (others.some((other) => other.isTls !== isTls)) {
    throw new UsageError(`Cannot use ${show(text)} as a cluster: give all servers the same scheme`);
  }
  const name = decodeURIComponent(url.username);
  const servers = [url, ...others.map((other) => other.url)].map(({ hostname, port }) => `${hostname}:${port || 4222}`);
  if (name === "") return { servers, isTls };
  if (url.password === "") return { servers, isTls, token: name };
  return { servers, isTls, user: name, password: decodeURIComponent(url.password) };
}

function parseOne(whole: string, part: string, defaultScheme: string): { url: URL; isTls: boolean } {
  const [, scheme = defaultScheme, rest = part] = /^([a-z]+):\/\/(.*)$/.exec(part) ?? [];
  // The URL parser splits host and port of known schemes only.
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  const isKnown = scheme === "nats" || scheme === "tls";
  if (url === undefined || !isKnown || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new UsageError(`Cannot use ${show(whole)} as a cluster: ${EXAMPLE}`);
  }
  // The URL parser drops the default port.
  return { url: withPort(url, rest), isTls: scheme === "tls" };
}

function withPort(url: URL, rest: string): URL {
  return url.port === "" && /:80\/?$/.test(rest) ? new URL(`https://${rest}`) : url;
}

/** The list without passwords and tokens, for messages and logs. */
function show(text: string): string {
  return `"${text.replaceAll(/[^/,@]*@/g, "***@")}"`;
}
