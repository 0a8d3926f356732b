/**
 * Every protocol that can be probed. To add one, write a file and add an entry here.
 *
 * @module
 */

import { type Endpoint, parseEndpoint } from "../net/endpoint.ts";
import type { ProbeDefinition, ProbeTarget } from "./probe.ts";
import { parseTarget, socketTarget } from "./target.ts";

/** The protocols, in the order in which help lists them. */
export const PROTOCOLS: readonly ProbeDefinition[] = [
  { schemes: ["tcp", "tls", "unix"], isTransport: true, tls: ["tls"], load: () => import("./stream.ts") },
  { schemes: ["ws", "wss", "ws+unix"], isTransport: true, tls: ["wss"], load: () => import("./websocket.ts") },
  { schemes: ["udp", "unixgram"], isTransport: true, load: () => import("./datagram.ts") },
  {
    schemes: ["http", "https", "etcd", "etcds", "consul", "consuls"],
    ports: { http: 80, https: 443, etcd: 2379, etcds: 2379, consul: 8500, consuls: 8500 },
    tls: ["https", "etcds", "consuls"],
    load: () => import("./http.ts"),
  },
  {
    schemes: ["postgres", "postgresql"],
    startsSlowly: true,
    ports: { postgres: 5432, postgresql: 5432 },
    load: () => import("./postgres.ts"),
  },
  {
    schemes: ["mysql", "mariadb"],
    startsSlowly: true,
    ports: { mysql: 3306, mariadb: 3306 },
    load: () => import("./mysql.ts"),
  },
  {
    schemes: ["redis", "rediss"],
    startsSlowly: true,
    ports: { redis: 6379, rediss: 6379 },
    tls: ["rediss"],
    load: () => import("./redis.ts"),
  },
  { schemes: ["memcached"], ports: { memcached: 11_211 }, load: () => import("./memcached.ts") },
  { schemes: ["mongodb"], startsSlowly: true, ports: { mongodb: 27_017 }, load: () => import("./mongodb.ts") },
  {
    schemes: ["amqp", "amqps"],
    startsSlowly: true,
    ports: { amqp: 5672, amqps: 5671 },
    tls: ["amqps"],
    load: () => import("./amqp.ts"),
  },
  { schemes: ["kafka"], startsSlowly: true, ports: { kafka: 9092 }, load: () => import("./kafka.ts") },
  { schemes: ["mqtt", "mqtts"], ports: { mqtt: 1883, mqtts: 8883 }, tls: ["mqtts"], load: () => import("./mqtt.ts") },
  { schemes: ["nats"], ports: { nats: 4222 }, load: () => import("./nats.ts") },
  {
    schemes: ["smtp", "smtps", "imap", "imaps", "pop3", "pop3s", "ftp", "ftps", "ssh"],
    ports: { smtp: 25, smtps: 465, imap: 143, imaps: 993, pop3: 110, pop3s: 995, ftp: 21, ftps: 990, ssh: 22 },
    tls: ["smtps", "imaps", "pop3s", "ftps"],
    load: () => import("./greeting.ts"),
  },
  { schemes: ["ldap", "ldaps"], ports: { ldap: 389, ldaps: 636 }, tls: ["ldaps"], load: () => import("./ldap.ts") },
  { schemes: ["dns", "dns+tcp"], ports: { dns: 53, "dns+tcp": 53 }, load: () => import("./dns.ts") },
  { schemes: ["grpc", "grpcs"], ports: { grpc: 50_051, grpcs: 443 }, tls: ["grpcs"], load: () => import("./grpc.ts") },
  { schemes: ["file"], load: () => import("./file.ts") },
  { schemes: ["exec"], load: () => import("./exec.ts") },
];

/** A parsed target and the protocol that probes it. */
export interface ResolvedTarget {
  readonly definition: ProbeDefinition;
  readonly target: ProbeTarget;
}

/**
 * Finds the protocol of a target. A text without a scheme is a TCP endpoint.
 *
 * @throws {SyntaxError} It cannot be parsed, or its scheme is not known.
 */
export function resolveProbe(target: string | Endpoint): ResolvedTarget {
  if (typeof target !== "string") return resolveSocket(target);
  const [, scheme = "", slashes] = /^([a-z][a-z0-9+.-]*):(\/\/)?/.exec(target.toLowerCase()) ?? [];
  const definition = protocolOf(scheme);
  if (definition === undefined && slashes !== undefined) {
    const known = PROTOCOLS.flatMap(({ schemes }) => schemes).join(", ");
    throw new SyntaxError(`Cannot check "${scheme}://...": unknown scheme (known: ${known})`);
  }
  if (definition === undefined || definition.isTransport) return resolveSocket(parseEndpoint(target));
  return { definition, target: parseTarget(target, scheme, definition) };
}

function resolveSocket(endpoint: Endpoint): ResolvedTarget {
  const definition = protocolOf(endpoint.scheme);
  if (definition === undefined) throw new TypeError(`Cannot check "${endpoint.scheme}": it has no probe`);
  return { definition, target: socketTarget(endpoint) };
}

export function protocolOf(scheme: string): ProbeDefinition | undefined {
  return PROTOCOLS.find(({ schemes }) => schemes.includes(scheme));
}

/**
 * The protocol of a well-known port whose server accepts connections before it is ready, for a hint about a bare
 * `host:port`.
 */
export function slowSchemeOf(port: number): string | undefined {
  return PROTOCOLS.find(({ startsSlowly, schemes: [scheme = ""], ports }) => startsSlowly && ports?.[scheme] === port)
    ?.schemes[0];
}
