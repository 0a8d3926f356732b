/**
 * Every protocol that can be probed: a file and an entry here each.
 *
 * @module
 */

import type { ProbeDefinition } from "./probe.ts";

/** The protocols, in the order in which help lists them. */
export const PROTOCOLS: readonly ProbeDefinition[] = [
  {
    schemes: ["http", "https", "etcd", "etcds", "consul", "consuls"],
    ports: { http: 80, https: 443, etcd: 2379, etcds: 2379, consul: 8500, consuls: 8500 },
    tls: ["https", "etcds", "consuls"],
    load: () => import("./http.ts"),
  },
  {
    schemes: ["postgres", "postgresql"],
    ports: { postgres: 5432, postgresql: 5432 },
    load: () => import("./postgres.ts"),
  },
  { schemes: ["mysql", "mariadb"], ports: { mysql: 3306, mariadb: 3306 }, load: () => import("./mysql.ts") },
  {
    schemes: ["redis", "rediss"],
    ports: { redis: 6379, rediss: 6379 },
    tls: ["rediss"],
    load: () => import("./redis.ts"),
  },
  { schemes: ["memcached"], ports: { memcached: 11_211 }, load: () => import("./memcached.ts") },
  { schemes: ["mongodb"], ports: { mongodb: 27_017 }, load: () => import("./mongodb.ts") },
  { schemes: ["amqp", "amqps"], ports: { amqp: 5672, amqps: 5671 }, tls: ["amqps"], load: () => import("./amqp.ts") },
  { schemes: ["kafka"], ports: { kafka: 9092 }, load: () => import("./kafka.ts") },
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

/** The protocol of a scheme, if there is one. */
export function protocolOf(scheme: string): ProbeDefinition | undefined {
  return PROTOCOLS.find(({ schemes }) => schemes.includes(scheme));
}

/** The well-known protocol of a port, for a hint about a bare `host:port`. */
export function usualScheme(port: number): string | undefined {
  for (const { schemes: [scheme = ""], ports } of PROTOCOLS) if (ports?.[scheme] === port) return scheme;
  return undefined;
}
