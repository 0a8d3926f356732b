/** Limits of the commands at N, where they are kept, and at N + 1. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { bigEndian, utf8 } from "../../src/base/bytes.ts";
import { FrameError, UsageError } from "../../src/base/errors.ts";
import type { OutputFile } from "../../src/commands/output_file.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import { portsOf } from "../../src/commands/client/check.ts";
import { codecOf } from "../../src/commands/client/dial.ts";
import { recorderOf } from "../../src/commands/udp/listen_command.ts";
import { writeAll } from "../support/peer.ts";
import { runClient } from "../support/run_client.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { frameOf, WebSocketPeer } from "../support/websocket_peer.ts";

Deno.test("check takes a range of 1 to 1,024 ports (MAX_RANGE)", () => {
  assertEquals(portsOf("redis://db:7-7/0"), ["redis://db:7/0"]);
  const all = portsOf("db:1-1024");
  assertEquals([all.length, all[0], all.at(-1)], [1_024, "db:1", "db:1024"]);
  for (const text of ["db:1-1025", "db:8-7"]) {
    assertThrows(() => portsOf(text), UsageError, "a range has 1 to 1024 ports");
  }
});

Deno.test("client commands take messages of 64 MiB (MESSAGE_BYTES)", () => {
  for (const beyond of [0, 1]) {
    const decoder = codecOf({ framing: "length:4be" }).decoder();
    const receive = () => {
      decoder.push(bigEndian(64 * 1024 * 1024 + beyond, 4));
      return decoder.next();
    };
    if (beyond === 0) assertEquals(receive(), undefined);
    else assertThrows(receive, FrameError);
  }
});

Deno.test("send --follow follows 5 redirects (MAX_REDIRECTS)", async () => {
  for (const count of [5, 6]) {
    let left = count;
    await using peer = scriptedPeer(async (conn) => {
      if (left-- > 0) return await writeAll(conn, "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n");
      using websocket = await WebSocketPeer.accept(conn as Deno.TcpConn);
      await websocket.send(frameOf({ opcode: 1, payload: "welcome", isMasked: false }));
      await websocket.frame();
    });
    const words = ["send", "--follow", peer.endpoint.replace("tcp:", "ws:"), "--expect", "welcome"];
    const { code, stderr } = await runClient(words);
    assertEquals(code === 0, count === 5, stderr);
  }
});

Deno.test("listen --record distinguishes 10,000 senders (MAX_SENDERS), and the latest after that", () => {
  const connections: number[] = [];
  const file = {
    write: (line: string | Uint8Array) => {
      const text = typeof line === "string" ? line : new TextDecoder().decode(line);
      for (const one of text.split("\n")) {
        const number = /"connection":(\d+)/.exec(one)?.[1];
        if (number !== undefined) connections.push(Number(number));
      }
    },
  } as unknown as OutputFile;
  const record = recorderOf(file, "udp://127.0.0.1:1");
  const receive = (index: number) => {
    const from = parseEndpoint(`udp://10.0.${index >> 8}.${index & 255}:1`);
    assert(from.scheme === "udp");
    record({ data: utf8("x"), from, isTruncated: false } as Parameters<typeof record>[0]);
    return connections.at(-1);
  };
  for (let index = 0; index < 10_000; index++) receive(index);
  assertEquals([receive(0), receive(9_999)], [1, 10_000]);
  assertEquals([receive(10_000), receive(1), receive(0)], [10_001, 2, 10_002]);
});
