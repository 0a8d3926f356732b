/**
 * The peers of the trials: each does one thing that a tool may meet.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { findFreePort } from "../../src/net/find_free_port.ts";
import { CertificateFiles } from "../../tests/support/certificate_files.ts";
import { resettingPeer } from "../../tests/support/resetting_peer.ts";
import { startServer, startUdpServer } from "../../tests/support/program.ts";

/** How long the late peer takes, and how long the one that starts late is away. */
export const LATE_MS = 1_000;

/** Where the peers are. */
export interface Peers extends AsyncDisposable {
  /** Nobody listens. */
  readonly refused: string;
  /** Accepts, and says nothing. */
  readonly silent: string;
  /** Answers {@linkcode LATE_MS} after the client has ended its side, then ends. */
  readonly late: string;
  /** Accepts and ends at once, as a proxy before a dead service does. */
  readonly closing: string;
  /** Resets at the first bytes. */
  readonly resetting: string;
  /** Sends back what comes. */
  readonly echo: string;
  /** The same over WebSocket. */
  readonly webSocket: string;
  /** The same over TLS; its certificate is of an authority that nobody knows. */
  readonly tls: string;
  /** A UDP port at which datagrams are taken and not answered. */
  readonly silentUdp: string;
  /** The authority that has signed the certificate of `tls`. */
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
      // A client that leaves early is its own affair.
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
    // Until the client has ended its side.
  }
  await delay(LATE_MS);
  await conn.write(new TextEncoder().encode("the late reply\n"));
}
