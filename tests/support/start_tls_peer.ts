import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import type { StartTlsProtocol } from "../../src/net/layers/start_tls.ts";
import type { TlsServerContext } from "../../src/net/layers/tls_server.ts";
import type { Transport } from "../../src/net/transport.ts";
import { wrapAccepted } from "./wrap_accepted.ts";
import { writeAll } from "./peer.ts";

/** What a server sends and what it waits for, in turn. */
export type Script = readonly ({ readonly says: string | Uint8Array } | { readonly hears: string | Uint8Array })[];

/** Dialogues of servers that agree to TLS. */
export const START_TLS_SCRIPTS: Readonly<Record<StartTlsProtocol, Script>> = {
  smtp: [
    { says: "220-mail.example ESMTP\r\n220 ready\r\n" },
    { hears: "EHLO parley.invalid\r\n" },
    { says: "250-mail.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n" },
    { hears: "STARTTLS\r\n" },
    { says: "220 go ahead\r\n" },
  ],
  imap: [
    { says: "* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n" },
    { hears: "p1 STARTTLS\r\n" },
    { says: "* OK something untagged\r\np1 OK begin TLS now\r\n" },
  ],
  pop3: [{ says: "+OK ready\r\n" }, { hears: "STLS\r\n" }, { says: "+OK begin TLS\r\n" }],
  postgres: [{ hears: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47) }, { says: "S" }],
};

/** Plays a script to one client, then starts TLS and sends one word, or closes, or waits for the client's end. */
export function startTlsPeer(
  script: Script,
  after: TlsServerContext | "close" | "wait",
): { endpoint: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const conn = await listener.accept();
    try {
      for (const step of script) {
        if ("says" in step) await writeAll(conn, step.says);
        else assertEquals(await readBytes(conn, step.hears.length), toBytes(step.hears));
      }
      if (after === "wait") await conn.read(new Uint8Array(1));
      if (typeof after === "string") return;
      const { transport: tls } = await wrapAccepted(after, conn);
      await sayWord(tls);
      tls.close();
    } finally {
      if (typeof after === "string") conn.close();
    }
  })();
  return {
    endpoint: `tls://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

/** One word, and the end; a client may leave once it has seen the certificate. */
async function sayWord(tls: Transport): Promise<void> {
  try {
    await tls.write(utf8("secret"));
    await tls.closeWrite();
    while (await tls.read(new Uint8Array(64)) !== null) {
      // Until the client has everything.
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? utf8(data) : data;
}

async function readBytes(conn: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const got = await conn.read(bytes.subarray(at));
    if (got === null) throw new Error("the client ended the dialogue");
    at += got;
  }
  return bytes;
}
