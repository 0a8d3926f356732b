import { delay } from "../../src/net/wait.ts";

/** Ports that no system assigns by itself, to port 0 or to a client: Linux begins at the second, others further up. */
const [FIRST_PORT, FIRST_ASSIGNED_PORT] = [20_000, 32_768];

/**
 * A currently unused port of the loopback interface, for TCP and UDP. It stays unused while other tests listen on
 * port 0 and connect.
 */
export function closedPort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (FIRST_ASSIGNED_PORT - FIRST_PORT));
    try {
      const where = { hostname: "127.0.0.1", port };
      using _listener = Deno.listen(where);
      Deno.listenDatagram({ transport: "udp", ...where }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
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

/** The port of an endpoint. */
export function portOf(endpoint: string): number {
  return Number(/:(\d+)(?=\/|$)/.exec(endpoint)?.[1]);
}
