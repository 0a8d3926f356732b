/**
 * Relays side by side, an echo of C behind each, on the relay's core.
 *
 * @module
 */

import { findFreePort } from "../../src/net/find_free_port.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import type { Contender, Tools } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import { sizeText, type Work } from "./work.ts";

/** The words of a relay from one port to another. */
type RelayWords = (listen: number, target: number, tools: Tools) => readonly string[];

/** The echo ends with the relay, however that ends. */
function relay(name: string, needs: readonly string[], words: RelayWords): Contender {
  return {
    name,
    needs: ["gcc", "setpriv", ...needs],
    hasChildren: true,
    command(port, tools) {
      const target = findFreePort();
      const script = 'setpriv --pdeathsig KILL "$0" "$1" & shift; exec "$@"';
      return ["sh", "-c", script, tools.built("epoll_echo"), String(target), ...words(port, target, tools)];
    },
  };
}

function deno(permissions: readonly string[], file: string): string[] {
  return [Deno.execPath(), "run", "--unstable-net", V8_FLAGS, ...permissions, sourcePath(file)];
}

const PARLEY = relay("parley", [], (listen, target) => [
  ...deno(["-N"], "../../src/server.ts"),
  ...["relay", String(listen), String(target), "--log-level", "off"],
]);

const BARE = relay("bare Deno relay", [], (listen, target) => [
  ...deno(["-N"], "peers/deno_relay_loop.ts"),
  ...[String(listen), String(target)],
]);

const SOCAT = relay("socat", ["socat"], (listen, target) => [
  "socat",
  `TCP-LISTEN:${listen},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024`,
  `TCP:127.0.0.1:${target},nodelay`,
]);

const HAPROXY = relay("HAProxy", ["haproxy"], (listen, target, { scratch }) => {
  const file = `${scratch}/haproxy-${listen}.cfg`;
  Deno.writeTextFileSync(
    file,
    `defaults
  mode tcp
  timeout client 60s
  timeout server 60s
  timeout connect 5s
listen relay
  bind 127.0.0.1:${listen}
  server echo 127.0.0.1:${target}
`,
  );
  return ["haproxy", "-db", "-q", "-f", file];
});

const TOXIPROXY = relay("Toxiproxy", ["toxiproxy-server"], (listen, target, { scratch }) => {
  const file = `${scratch}/toxiproxy-${listen}.json`;
  const proxy = { name: "bench", listen: `127.0.0.1:${listen}`, upstream: `127.0.0.1:${target}` };
  Deno.writeTextFileSync(file, JSON.stringify([proxy]));
  return ["toxiproxy-server", "-port", String(findFreePort()), "-config", file];
});

const CONTENDERS = [PARLEY, BARE, HAPROXY, TOXIPROXY, SOCAT];

function relayWork(connections: number, size: number, depth: number): Work {
  return {
    id: `relay-${connections}x${size}x${depth}`,
    title: `relay to an echo, ${connections} x ${sizeText(size)}, ${depth} in flight`,
    unit: "messages/s",
    better: "more",
    how: {
      words: () => ["echo_load", "127.0.0.1", "PORT", String(connections), String(size), String(depth), "SECONDS"],
      answers: "tcp",
    },
    contenders: CONTENDERS,
    reference: HAPROXY.name,
    isQuick: false,
  };
}

/** What a relay costs. */
export const RELAY_WORKS: readonly Work[] = [
  relayWork(50, 64, 1),
  relayWork(50, 64, 32),
  relayWork(10, 65_536, 1),
  {
    ...relayWork(50, 64, 1),
    id: "relay-connect-50",
    title: "relay to an echo: connect, one exchange of 64 B, close; 50 at a time",
    unit: "connections/s",
    how: { words: () => ["connect_load", "PORT", "50", "64", "SECONDS"], answers: "tcp" },
  },
];
