import { defineService } from "./service.ts";

/** A SOCKS 5 and HTTP CONNECT proxy. */
export const proxy = defineService({
  endpoints: ["tcp://127.0.0.1:1080"],
  framing: "raw",
  takesFraming: false,
  asksForLogIn: true,
  flags: {
    allowTarget: {
      type: "text",
      repeat: true,
      placeholder: "TARGET",
      help: "connect only to this address range, name or *.DOMAIN",
    },
    denyTarget: {
      type: "text",
      repeat: true,
      placeholder: "TARGET",
      help: "do not connect to this address range, name or *.DOMAIN, even if allowed",
    },
    maxAssociations: { type: "integer", min: 0, default: 100, help: "maximum UDP associations at a time" },
    targetTimeout: { type: "duration", default: "10s", help: "maximum time to connect to a target" },
  },
  notes: [
    "One port speaks SOCKS 5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110). A half-close is passed on and leaves the other",
    "direction open; a reset is passed on as an end. With --auth a client logs in with a user name and password (SOCKS)",
    "or with Proxy-Authorization (HTTP). Names are resolved by the proxy, and every address of a target is checked. UDP",
    "ASSOCIATE accepts unfragmented datagrams from the address of its connection.",
    "",
  ].join("\n"),
  examples: [
    { words: "proxy --allow-target 10.0.0.0/8 --deny-target 10.0.0.1", does: "to one network, without its router" },
    { words: "proxy 0.0.0.0:1080 --auth names --allow 10.0.0.0/8", does: "for clients of a network who log in" },
  ],
  async create(flags, { log, authenticator, logInTimeoutMs }) {
    const { ProxyServer } = await import("./proxy/proxy_server.ts");
    return new ProxyServer({
      allow: flags.allowTarget,
      deny: flags.denyTarget,
      connectTimeoutMs: flags.targetTimeout,
      maxAssociations: flags.maxAssociations,
      handshakeTimeoutMs: logInTimeoutMs,
      authenticator,
      log,
    });
  },
});
