/**
 * The peers of the trials, each with one behaviour.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { findFreePort } from "../../src/net/find_free_port.ts";
import { CertificateFiles } from "../../tests/support/certificate_files.ts";
import { resettingPeer } from "../../tests/support/resetting_peer.ts";
import { startServer, startUdpServer } from "../../tests/support/program.ts";

/** Delay of the late reply, and of the server that starts late. */
export const LATE_MS = 1_000;

/** The ports of the peers. */
export interface Peers extends AsyncDisposable {
  /** Closed: connections are refused. */
  readonly refused: string;
  /** Accepts and never sends anything. */
  readonly silent: string;
  /** Answers {@linkcode LATE_MS} after the client's half-close, then closes. */
  readonly late: string;
  /** Accepts and closes at once, like a proxy in front of a dead service. */
  readonly closing: string;
  /** Resets the connection after the first bytes. */
  readonly resetting: string;
  /** Echoes. */
  readonly echo: string;
  /** SOCKS 5 and HTTP CONNECT, to this machine only. */
  readonly proxy: string;
  /** The same over WebSocket. */
  readonly webSocket: string;
  /** The same over TLS; the certificate is signed by an unknown authority. */
  readonly tls: string;
  /** A UDP port that receives datagrams and never replies. */
  readonly silentUdp: string;
  /** The authority that signed the certificate of `tls`. */
  readonly authority: string;
}

/** Starts all of them; ports only, the host is always 127.0.0.1. */
export async function startPeers(): Promise<Peers> {
  const stack = new AsyncDisposableStack();
  const files = stack.use(await CertificateFiles.create());
  const program = async (args: readonly string[], permissions = ["-N"]) =>
    portOf(stack.use(await startServer(args, { permissions })).endpoint);
  return {
    refused: String(findFreePort()),
    silent: await program(["discard", "tcp://127.0.0.1:0"]),
    late: stack.use(servePeer(answerLate)).port,
    closing: stack.use(servePeer(() => Promise.resolve())).port,
    resetting: portOf(stack.use(await resettingPeer()).endpoint),
    echo: await program(["echo", "tcp://127.0.0.1:0"]),
    proxy: await program(["proxy", "tcp://127.0.0.1:0"]),
    webSocket: await program(["echo", "ws://127.0.0.1:0"]),
    tls: await program(["echo", "tls://127.0.0.1:0", ...files.flags()], ["-N", `--allow-read=${files.folder}`]),
    silentUdp: portOf(stack.use(await startUdpServer(["discard", "udp://127.0.0.1:0"])).endpoint),
    authority: files.path("ca.pem"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function portOf(endpoint: string): string {
  return new URL(endpoint.replace(/^\w+:/, "http:")).port;
}

/** Accepts until it is disposed of. */
function servePeer(serve: (conn: Deno.TcpConn) => Promise<void>): { port: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const conn of listener) {
      // A client may disconnect early.
      void serve(conn).catch(() => {}).finally(() => conn.close());
    }
  })();
  return {
    port: String(listener.addr.port),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}

async function answerLate(conn: Deno.TcpConn): Promise<void> {
  const bytes = new Uint8Array(1024);
  while (await conn.read(bytes) !== null) {
    // Until the client half-closes.
  }
  await delay(LATE_MS);
  await conn.write(new TextEncoder().encode("the late reply\n"));
}
