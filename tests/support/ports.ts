import { delay } from "../../src/net/wait.ts";

/** Ports that no system assigns by itself, to port 0 or to a client: Linux begins at 32,768, others further up. */
const [FIRST_PORT, BLOCK_SIZE, BLOCK_COUNT] = [20_000, 64, 199];

/** The first port of a block that no other isolate has. */
const block = claimBlock();
let used = 0;

/**
 * A currently unused port of the loopback interface, for TCP and UDP. It stays unused while other tests listen and
 * connect.
 */
export function closedPort(): number {
  return block + 1 + used++ % (BLOCK_SIZE - 1);
}

/**
 * The listener on the first port keeps the block as long as the isolate lives. The others are tried here, and not where
 * they are used: a child process of another isolate keeps a socket that was closed here until its exec(2).
 */
function claimBlock(): number {
  const start = Math.floor(Math.random() * BLOCK_COUNT);
  for (let index = 0; index < BLOCK_COUNT; index++) {
    const first = FIRST_PORT + (start + index) % BLOCK_COUNT * BLOCK_SIZE;
    using trying = new DisposableStack();
    try {
      trying.use(Deno.listen({ hostname: "127.0.0.1", port: first }));
      for (let port = first + 1; port < first + BLOCK_SIZE; port++) {
        Deno.listen({ hostname: "127.0.0.1", port }).close();
        Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port }).close();
      }
      trying.move();
      return first;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no ${BLOCK_SIZE} ports in a row are unused`);
}

/** The first connection that a program accepts once it has started; it throws if that takes longer than 30 s. */
export async function whenListening(port: number): Promise<Deno.TcpConn> {
  for (const endMs = performance.now() + 30_000;;) {
    try {
      return await Deno.connect({ port });
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(20);
    }
  }
}

/**
 * Settles once connections to a port that this process has closed are refused, and throws if that takes longer than
 * 30 s: a child process that was being started has the socket too, until its exec(2).
 */
export async function whenClosed(port: number): Promise<void> {
  for (const endMs = performance.now() + 30_000;;) {
    try {
      (await Deno.connect({ port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      const { ConnectionReset, NotConnected } = Deno.errors;
      if (!(error instanceof ConnectionReset || error instanceof NotConnected)) throw error;
    }
    if (performance.now() > endMs) throw new Error(`port ${port} still accepts connections`);
    await delay(20);
  }
}

/** The port of an endpoint. */
export function portOf(endpoint: string): number {
  return Number(/:(\d+)(?=\/|$)/.exec(endpoint)?.[1]);
}
