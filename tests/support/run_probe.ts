import { utf8 } from "../../src/base/bytes.ts";
import { Deadline } from "../../src/net/deadline.ts";
import type { Facts, ProbeContext } from "../../src/probe/probe.ts";
import { protocolOf } from "../../src/probe/registry.ts";
import { parseTarget } from "../../src/probe/target.ts";

/** Probes a protocol endpoint once, within five seconds. */
export async function runProbe(text: string, options: Partial<ProbeContext> = {}): Promise<Facts> {
  const scheme = text.slice(0, text.indexOf(":"));
  const definition = protocolOf(scheme);
  if (definition === undefined) throw new TypeError(`no probe for ${scheme}`);
  const target = parseTarget(text, scheme, definition);
  const { probe } = await definition.load();
  return await probe({
    target,
    expected: {},
    deadline: new Deadline(5_000),
    login: undefined,
    connect: {},
    ...options,
  });
}

/** What a scripted server sends: pieces in order, the first of them after receiving this many bytes. */
export interface Reply {
  /** Bytes of the client to wait for. */
  readonly after?: number;
  readonly send: Uint8Array | string;
}

/**
 * A server that answers one client by a script and keeps the connection open
 * until the client leaves, or closes it after the last reply.
 */
export function replyingServer(
  replies: readonly Reply[],
  options: { closes?: boolean; chunk?: number } = {},
): { port: number; received: () => Uint8Array } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let received = new Uint8Array(0);
  const serve = async () => {
    for await (const conn of listener) await answer(conn);
  };
  const answer = async (conn: Deno.TcpConn) => {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(65_536);
    const readMore = async () => {
      const count = await conn.read(buffer).catch(() => null);
      if (count === null) return false;
      received = new Uint8Array([...received, ...buffer.subarray(0, count)]);
      return true;
    };
    try {
      let wanted = 0;
      for (const { after = 0, send } of replies) {
        wanted += after;
        while (received.length < wanted) if (!await readMore()) return;
        const bytes = typeof send === "string" ? utf8(send) : send;
        const chunk = options.chunk ?? Math.max(1, bytes.length);
        for (let at = 0; at < bytes.length; at += chunk) {
          for (let rest = bytes.subarray(at, at + chunk); rest.length > 0;) {
            rest = rest.subarray(await conn.write(rest));
          }
        }
      }
      if (!options.closes) { while (await readMore()); }
    } catch {
      // The client left: the test looks at what the client made of it.
    } finally {
      conn.close();
    }
  };
  const serving = serve();
  return {
    port: listener.addr.port,
    received: () => received,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}
