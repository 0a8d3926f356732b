import { assert, assertEquals } from "@std/assert";
import type { RelayOptions } from "../../src/relay/mod.ts";
import { type Kind, KINDS, RelayBench } from "../support/relay_ends.ts";

const text = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes);

/** The two ways in which a relay opens TCP, and how a test asks for each. */
const WAYS: readonly (readonly [string, RelayOptions])[] = [
  ["by node:net", { resetter: false }],
  ["by the C library", {}],
];

for (const [way, options] of WAYS) {
  for (const kind of KINDS) endsTests(kind, `over ${kind} ${way}`, options);
}

function endsTests(kind: Kind, over: string, options: RelayOptions): void {
  Deno.test(`startRelay() forwards bytes both ways ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    const { client, server } = await bench.pair();
    await client.send("ping");
    assertEquals(text(await server.readBytes(4)), "ping");
    await server.send("pong");
    assertEquals(text(await client.readBytes(4)), "pong");
  });

  Deno.test(`startRelay() forwards a target's end ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    const { client, server } = await bench.pair();
    await server.send("bye");
    await server.endWrite();
    const { bytes, isReset } = await client.readAll();
    assertEquals([text(bytes), isReset], ["bye", false]);
  });

  Deno.test(`startRelay() forwards the last reply after a client's end ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    const { client, server } = await bench.pair();
    await client.send("question");
    await client.endWrite();
    assertEquals(text((await server.readAll()).bytes), "question");
    await server.send("late answer");
    await server.endWrite();
    const { bytes, isReset } = await client.readAll();
    assertEquals([text(bytes), isReset], ["late answer", false]);
  });

  // A Unix socket has no reset to send: unread data on close is the only one there is.
  if (kind === "unix") return;

  Deno.test(`startRelay() forwards a target's reset ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    const { client, server } = await bench.pair();
    await client.send("hello");
    await server.readBytes(5);
    server.reset();
    assert((await client.readAll()).isReset);
  });

  Deno.test(`startRelay() forwards a client's reset ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    const { client, server } = await bench.pair();
    await client.send("hello");
    await server.readBytes(5);
    client.reset();
    assert((await server.readAll()).isReset);
  });

  Deno.test(`startRelay() resets a client whose target is unreachable ${over}`, async () => {
    await using bench = await RelayBench.open(kind, options);
    await bench.target[Symbol.asyncDispose]();
    const ended = await bench.dial().then((client) => client.readAll(), () => ({ isReset: true }));
    assert(ended.isReset);
  });
}
