import type { Attempt } from "../../../base/errors.ts";
import { kebabCase } from "../../../base/flag_spec.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import type { ResolvedAddress } from "../../../net/resolve.ts";
import type { SocketOptionReport, SocketOptionValues } from "../../../net/sockopt/socket_options.ts";
import type { TcpInfo } from "../../../net/sockopt/tcp_info.ts";
import { daysLeft } from "../../../net/tls_certificate.ts";
import type { TlsFacts } from "../../../net/tls_facts.ts";

/** The result of `inspect`. */
export interface Inspection {
  readonly endpoint: string;
  readonly addresses: readonly ResolvedAddress[];
  /** Failed addresses. */
  readonly failed: readonly Attempt[];
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** `undefined` if the C library cannot be used. */
  readonly options: {
    /** Defaults of the kernel. */
    readonly before: SocketOptionReport;
    /** Requested by flags. */
    readonly wanted: SocketOptionValues | undefined;
    /** Effective values. */
    readonly now: SocketOptionReport;
  } | undefined;
  readonly tcp: TcpInfo | undefined;
  readonly tls: TlsFacts | undefined;
}

/** The result as one JSON object. */
export function inspectionObject(inspection: Inspection): object {
  const { local, remote, options, tls, ...rest } = inspection;
  return {
    ok: true,
    ...rest,
    local: formatEndpoint(local),
    remote: formatEndpoint(remote),
    options: options && { default: options.before, asked: options.wanted, set: options.now },
    tls: tls && { version: tls.version, cipher: tls.cipher, alpn: tls.alpn, certificate: tls.chain[0] },
  };
}

/** The result as a table. */
export function inspectionText(inspection: Inspection): string {
  const { endpoint, addresses, failed, local, remote, tcp, tls, options } = inspection;
  const rows: [string, string][] = [["endpoint", endpoint]];
  for (const { address, family } of addresses) rows.push(["address", `${address} (IPv${family})`]);
  for (const { address, reason } of failed) rows.push(["no answer", `${address}: ${reason}`]);
  rows.push(["local", formatEndpoint(local)]);
  rows.push(["remote", `${formatEndpoint(remote)}${familyOf(remote)}`]);
  if (tcp) {
    rows.push(["round trip", `${tcp.roundTripUs} us, variance ${tcp.roundTripVarianceUs} us`]);
    rows.push(["segment", `${tcp.sendSegmentBytes} bytes, ${tcp.retransmits} retransmitted`]);
  }
  if (tls) rows.push(...tlsRows(tls));
  if (options === undefined) {
    rows.push(["socket options", "unavailable (run again with --allow-ffi)"]);
    return table(rows);
  }
  const names = Object.keys(options.now) as (keyof SocketOptionReport)[];
  for (const name of names) {
    if (options.now[name] === undefined) continue;
    const before = valueText(options.before[name]);
    const now = valueText(options.now[name]);
    rows.push([kebabCase(name).replaceAll("-", " "), before === now ? now : `${now} (was ${before})`]);
  }
  return table(rows);
}

function table(rows: readonly [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

function tlsRows({ version, cipher, alpn, chain }: TlsFacts): [string, string][] {
  const rows: [string, string][] = [["TLS", `${version}, ${cipher}${alpn === undefined ? "" : `, ${alpn}`}`]];
  const [certificate] = chain;
  if (certificate) {
    rows.push(["certificate", `${certificate.subject}, for ${certificate.names.join(", ") || "no name"}`]);
    rows.push(["valid", `${daysLeft(certificate)} days left`]);
  }
  return rows;
}

function familyOf(endpoint: Endpoint): string {
  if (!isHostEndpoint(endpoint)) return "";
  return endpoint.host.includes(":") ? " (IPv6)" : " (IPv4)";
}

function valueText(value: SocketOptionReport[keyof SocketOptionReport]): string {
  if (value === undefined) return "unknown";
  if (typeof value === "object") return `${value.idle}s,${value.interval}s,${value.count}`;
  return value === false ? "off" : value === true ? "on" : String(value);
}
