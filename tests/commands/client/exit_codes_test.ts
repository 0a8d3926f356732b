/**
 * The promise that scripts rely on: what each command says of each thing that
 * can become of it, over each transport.
 */

import { assertEquals } from "@std/assert";
import { EXIT_CODES } from "../../../src/cli/exit_codes.ts";
import { runProgram } from "../../../src/cli/run_program.ts";
import { clientProgram } from "../../../src/commands/client/program.ts";
import { listen } from "../../../src/factory.ts";
import type { Connection } from "../../../src/net/connection.ts";
import { formatEndpoint } from "../../../src/net/endpoint.ts";
import { delay } from "../../../src/net/wait.ts";
import { type Pair, TestAuthority } from "../../support/certificates.ts";
import { cuttingProxy } from "../../support/cutting_proxy.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { fullListener } from "../../support/full_listener.ts";
import { closedPort, portOf } from "../../support/ports.ts";
import { startServer } from "../../support/in_process.ts";
import { scriptedPeer } from "../../support/scripted_peer.ts";

const OUTCOMES = [
  "refused",
  "unresolved",
  "connect timeout",
  "handshake failure",
  "reset",
  "closed early",
  "silent",
  "wrong answer",
  "right answer",
] as const;
type Outcome = typeof OUTCOMES[number];

/** A dash stands where there is no such thing: a handshake in TCP, an expectation of `connect`. */
const TABLE = `
connect tcp   4  3  5  -  7  7  5  -  0
connect unix  4  -  -  -  -  -  5  -  0
connect tls   4  3  5  6  7  7  5  -  0
connect ws    4  3  5  1  7  7  5  -  0
connect wss   4  3  5  6  7  7  5  -  0
send    tcp   4  3  5  -  7  7  5  1  0
send    unix  4  -  -  -  -  -  5  1  0
send    tls   4  3  5  6  7  7  5  1  0
send    ws    4  3  5  1  7  7  5  1  0
send    wss   4  3  5  6  7  7  5  1  0
check   tcp   4  3  5  -  7  7  5  1  0
check   unix  4  -  -  -  -  -  5  1  0
check   tls   4  3  5  6  7  7  5  1  0
check   ws    4  3  5  1  7  7  5  1  0
check   wss   4  3  5  6  7  7  5  1  0
smoke   tcp   4  3  5  -  7  7  5  1  0
smoke   unix  4  -  -  -  -  -  5  1  0
smoke   tls   4  3  5  6  7  7  5  1  0
smoke   ws    4  3  5  1  7  7  5  1  0
smoke   wss   4  3  5  6  7  7  5  1  0
replay  tcp   4  3  5  -  7  7  5  1  0
replay  unix  4  -  -  -  -  -  5  1  0
replay  tls   4  3  5  6  7  7  5  1  0
replay  ws    4  3  5  1  7  7  5  1  0
replay  wss   4  3  5  6  7  7  5  1  0
bench   tcp   4  3  5  -  7  7  5  1  0
bench   unix  4  -  -  -  -  -  5  1  0
bench   tls   4  3  5  6  7  7  5  1  0
bench   ws    4  3  5  1  7  7  5  1  0
bench   wss   4  3  5  6  7  7  5  1  0
chat    tcp   4  3  5  -  7  7  5  1  0
chat    unix  4  -  -  -  -  -  5  1  0
chat    tls   4  3  5  6  7  7  5  1  0
chat    ws    4  3  5  1  7  7  5  1  0
chat    wss   4  3  5  6  7  7  5  1  0
`;

const SCHEMES = ["tcp", "unix", "tls", "ws", "wss"] as const;
type Scheme = typeof SCHEMES[number];

/** For the outcomes that a deadline of ours decides: long enough for what comes before it. */
const TIMEOUT = "1s";
const AT_ONCE = 60;
/** For what is to come, on whatever machine. */
const PATIENCE = "60s";

/** Long enough for a handshake on a busy machine. */
const CUT_AFTER_MS = 1_000;

/** Endpoints of one server, one a transport. */
type Endpoints = Readonly<Record<Scheme, string>>;

interface World {
  readonly echo: Endpoints;
  readonly discard: Endpoints;
  readonly greet: Endpoints;
  /** Sends another answer than expected, and ends. */
  readonly wrong: Endpoints;
  /** The same before anything is asked. */
  readonly wrongBanner: Endpoints;
  readonly chat: Endpoints;
  /** Says nothing, and does not end either. */
  readonly silent: Endpoints;
  readonly folder: string;
  readonly plainPort: number;
  readonly fullPort: number;
  readonly resetPort: (scheme: Scheme) => number;
  readonly closePort: (scheme: Scheme) => number;
}

function endpointOn(scheme: Scheme, host: string): string {
  return `${scheme}://${host}${scheme === "ws" || scheme === "wss" ? "/" : ""}`;
}

function endpointFor(outcome: Outcome, scheme: Scheme, command: string, world: World): string {
  switch (outcome) {
    case "refused":
      return scheme === "unix" ? `unix:${world.folder}/nobody` : endpointOn(scheme, `127.0.0.1:${closedPort()}`);
    case "unresolved":
      return endpointOn(scheme, "nobody.invalid:80");
    case "connect timeout":
      return endpointOn(scheme, `127.0.0.1:${world.fullPort}`);
    case "handshake failure":
      return endpointOn(scheme, `127.0.0.1:${world.plainPort}`);
    case "reset":
      return endpointOn(scheme, `127.0.0.1:${world.resetPort(scheme)}`);
    case "closed early":
      return endpointOn(scheme, `127.0.0.1:${world.closePort(scheme)}`);
    case "silent":
      return world.silent[scheme];
    case "wrong answer":
      if (command === "check") return world.wrongBanner[scheme];
      return command === "send" || command === "smoke" || command === "replay"
        ? world.wrong[scheme]
        : world.greet[scheme];
    case "right answer":
      return command === "check" ? world.greet[scheme] : command === "chat" ? world.chat[scheme] : world.echo[scheme];
  }
}

/** A smoke file or a recording that says hello and wants an answer. */
async function fileFor(command: string, endpoint: string, outcome: Outcome, world: World): Promise<string> {
  const path = await Deno.makeTempFile({ dir: world.folder });
  const answer = outcome === "right answer" ? "hello" : "something else";
  const tls = /^(?:tls|wss):/.test(endpoint) ? `tls: { ca: ${world.folder}/ca.pem },` : "";
  const text = command === "smoke"
    ? `tests: [{ name: a, endpoint: "${endpoint}", timeout: ${timeoutFor(outcome)}, ${tls}
         steps: [{ send: hello }, { expect: "${answer}" }] }]`
    : [{ recording: 1, framing: "raw" }, { from: "client", text: "hello" }, { from: "server", text: answer }]
      .map((line) => `${JSON.stringify({ at: new Date(), endpoint, ...line })}\n`).join("");
  await Deno.writeTextFile(path, text);
  return path;
}

function timeoutFor(outcome: Outcome): string {
  return outcome === "connect timeout" || outcome === "silent" ? TIMEOUT : PATIENCE;
}

function wordsFor(command: string, scheme: Scheme, outcome: Outcome): string[] {
  const timeout = timeoutFor(outcome);
  switch (command) {
    case "connect":
      // An answer over WebSocket is over when nothing came for that long.
      return ["--connect-timeout", timeout, "--wait-reply", /^wss?$/.test(scheme) ? "2s" : timeout];
    case "send":
      return [
        ...["--connect-timeout", timeout, "--timeout", timeout],
        ...["--expect", outcome === "right answer" ? "hello" : "something else"],
      ];
    case "smoke":
      return [];
    case "replay":
      return ["--connect-timeout", timeout, "--timeout", timeout];
    case "bench":
      return ["-c", "1", "-n", "1", "--connect-timeout", timeout, "--timeout", timeout];
    case "chat":
      return ["--connect-timeout", timeout, "--wait-reply", timeout];
    default:
      return [
        ...["--timeout", timeout],
        ...["--banner", outcome === "wrong answer" ? "^SSH" : "."],
      ];
  }
}

/** One line; or, where the connection is cut under way, a line every now and then until it is. */
function inputFor(command: string, outcome: Outcome): () => Promise<Uint8Array | null> {
  const line = new TextEncoder().encode("hello\n");
  let count = 0;
  const isEndless = command === "connect" && (outcome === "reset" || outcome === "closed early");
  return async () => {
    if (isEndless) await delay(20);
    return isEndless || count++ === 0 ? line : null;
  };
}

async function exitCode(command: string, scheme: Scheme, outcome: Outcome, world: World): Promise<[number, string]> {
  const endpoint = endpointFor(outcome, scheme, command, world);
  const data = command === "send" ? ["hello"] : [];
  const trust = scheme === "tls" || scheme === "wss"
    ? ["--tls-ca", `${world.folder}/ca.pem`, "--handshake-timeout", PATIENCE]
    : [];
  const io = new FakeIo(inputFor(command, outcome));
  const target = command === "smoke" || command === "replay" ? [await fileFor(command, endpoint, outcome, world)] : [];
  if (command !== "smoke") target.push(endpoint, ...data, ...trust);
  const words = [command, ...target, ...wordsFor(command, scheme, outcome)];
  return [await runProgram(clientProgram, words, io), `${words.join(" ")}\n${io.out}${io.err}`];
}

/** Listens on a stream, and neither sends nor ends. */
async function listenSilently(endpoint: string, tls: Pair): Promise<{ endpoint: string } & AsyncDisposable> {
  const listener = await listen(endpoint, { tls });
  const connections: Connection[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      // The first read does the TLS handshake.
      connection.read().catch(() => {});
    }
  })();
  return {
    endpoint: formatEndpoint(listener.endpoint),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}

async function startOverAll(service: string, folder: string, ...flags: string[]) {
  const endpoints = [
    "tcp://127.0.0.1:0",
    `unix:${folder}/${crypto.randomUUID()}.sock`,
    "tls://127.0.0.1:0",
    "ws://127.0.0.1:0",
    "wss://127.0.0.1:0",
  ];
  const files = ["--tls-cert", `${folder}/cert.pem`, "--tls-key", `${folder}/key.pem`, "--handshake-timeout", PATIENCE];
  const args = [service, ...endpoints, ...files, ...flags];
  const started = await startServer(args);
  const [tcp, unix, tls, ws, wss] = [
    started.endpoint,
    await started.server.line(),
    await started.server.line(),
    await started.server.line(),
    await started.server.line(),
  ];
  return { ...started, endpoints: { tcp, unix, tls, ws, wss } as Endpoints };
}

Deno.test("parley-client ends with the documented code, whatever becomes of the connection", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const authority = await TestAuthority.create();
  const pair = await authority.issue({ hosts: ["localhost", "127.0.0.1"] });
  await Deno.writeTextFile(`${folder}/ca.pem`, authority.cert);
  await Deno.writeTextFile(`${folder}/cert.pem`, pair.cert);
  await Deno.writeTextFile(`${folder}/key.pem`, pair.key);
  const echo = stack.use(await startOverAll("echo", folder));
  const discard = stack.use(await startOverAll("discard", folder));
  const greet = stack.use(await startOverAll("greet", folder));
  const chat = stack.use(await startOverAll("chat", folder));
  const nonsense = ["--text", "nonsense", "--then", "close"];
  const wrong = stack.use(await startOverAll("reply", folder, ...nonsense, "--framing", "raw"));
  const wrongBanner = stack.use(await startOverAll("reply", folder, ...nonsense, "--on", "connect"));
  const [tcp, unix, tls] = await Promise.all(
    ["tcp://127.0.0.1:0", `unix:${folder}/silent.sock`, "tls://127.0.0.1:0"].map((text) => listenSilently(text, pair)),
  );
  for (const listener of [tcp, unix, tls]) stack.use(listener);
  const full = stack.use(await fullListener());
  // Neither TLS nor WebSocket, but an answer.
  const plain = stack.use(scriptedPeer(async (conn) => {
    await conn.write(new TextEncoder().encode("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"));
  }));
  const proxies = new Map<string, number>();
  for (const scheme of SCHEMES) {
    if (scheme === "unix") continue;
    for (const cut of ["reset", "close"] as const) {
      const proxy = stack.use(await cuttingProxy(portOf(discard.endpoints[scheme]), cut, CUT_AFTER_MS));
      proxies.set(`${cut} ${scheme}`, proxy.port);
    }
  }
  const world: World = {
    echo: echo.endpoints,
    discard: discard.endpoints,
    greet: greet.endpoints,
    wrong: wrong.endpoints,
    wrongBanner: wrongBanner.endpoints,
    chat: chat.endpoints,
    silent: {
      ...discard.endpoints,
      tcp: tcp?.endpoint ?? "",
      unix: unix?.endpoint ?? "",
      tls: tls?.endpoint ?? "",
    },
    folder,
    plainPort: portOf(plain.endpoint),
    fullPort: full.port,
    resetPort: (scheme) => proxies.get(`reset ${scheme}`) ?? 0,
    closePort: (scheme) => proxies.get(`close ${scheme}`) ?? 0,
  };
  const rows = TABLE.trim().split("\n").map((line) => line.split(/\s+/));
  const cells = rows.flatMap(([command = "", scheme = "", ...codes]) =>
    OUTCOMES.map((outcome, index) => ({ command, scheme: scheme as Scheme, outcome, code: codes[index] ?? "-" }))
  ).filter(({ code }) => code !== "-");
  const faults: string[] = [];
  const tryAll = (some: typeof cells) =>
    Promise.all(some.map(async ({ command, scheme, outcome, code }) => {
      const [found, text] = await exitCode(command, scheme, outcome, world);
      if (String(found) !== code) faults.push(`${outcome}: ${found}, not ${code}: ${text}`);
    }));
  // Few at a time: one that waits for its turn on a busy machine must not miss its deadline for it.
  for (let from = 0; from < cells.length; from += AT_ONCE) await tryAll(cells.slice(from, from + AT_ONCE));
  assertEquals(faults, []);
});

Deno.test("every code in the table is one that --help documents", () => {
  for (const code of TABLE.match(/(?<=\s)\d\b/g) ?? []) assertEquals(code in EXIT_CODES, true);
});
