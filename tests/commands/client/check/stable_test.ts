import { assert, assertEquals, assertMatch } from "@std/assert";
import { listen } from "../../../../src/factory.ts";
import { formatEndpoint } from "../../../../src/net/endpoint.ts";
import { WebSocketAcceptor } from "../../../../src/websocket/acceptor.ts";
import { DeadlineTimer } from "../../../../src/net/deadline_timer.ts";
import { TestAuthority } from "../../../support/certificates.ts";
import { runClient } from "../../../support/run_client.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";
import { frameOf, scriptedWebSocket } from "../../../support/websocket_peer.ts";

const CLOSE_1011 = frameOf({
  opcode: 8,
  payload: Uint8Array.of(3, 243, ...new TextEncoder().encode("oom")),
  isMasked: false,
});

Deno.test("check ws:// exits 7 when the server closes right after the handshake (fault 10)", async () => {
  await using server = scriptedWebSocket(async (peer) => {
    await peer.send(CLOSE_1011);
    await peer.frame();
  });
  const { code, stdout } = await runClient(["check", server.endpoint]);
  assertEquals(code, 7);
  assertMatch(stdout, /closed the WebSocket at once \(close code 1011: oom\)/);
  assertEquals((await runClient(["check", "--stable-for", "0s", server.endpoint])).code, 0);
});

Deno.test("check ws:// --stable-for detects a close after a message (fault 10)", async () => {
  await using server = scriptedWebSocket(async (peer) => {
    await peer.send(frameOf({ opcode: 1, payload: "starting", isMasked: false }));
    await peer.send(CLOSE_1011);
    await peer.frame();
  });
  assertEquals((await runClient(["check", "--stable-for", "2s", server.endpoint])).code, 7);
  assertEquals((await runClient(["check", "--banner", "starting", "--stable-for", "2s", server.endpoint])).code, 7);
  assertEquals((await runClient(["check", "--banner", "starting", server.endpoint])).code, 0);
});

Deno.test("check --stable-for waits that long over tcp and ws, and no longer (fault 10)", async () => {
  await using stream = scriptedPeer(() => {});
  await using socket = scriptedWebSocket(async (peer) => void await peer.frame());
  for (const { endpoint } of [stream, socket]) {
    const startMs = performance.now();
    assertEquals((await runClient(["check", "--stable-for", "200ms", endpoint])).code, 0);
    const tookMs = performance.now() - startMs;
    assert(tookMs >= 200 && tookMs < 2_000, `${endpoint}: ${tookMs} ms`);
  }
});

Deno.test("check --stable-for is rejected if it could not be observed (fault 10)", async () => {
  for (
    const words of [["--stable-for", "5s", ":1"], ["--stable-for", "1s", "--timeout", "1s", ":1"], [
      "--stable-for",
      "1s",
      "udp://:1",
    ]]
  ) {
    assertEquals((await runClient(["check", ...words])).code, 2, words.join(" "));
  }
  await using stream = scriptedPeer(() => {});
  const { code } = await runClient([
    "check",
    "--stable-for",
    "400ms",
    "--timeout",
    "1s",
    "--wait",
    "100ms",
    stream.endpoint,
  ]);
  assertEquals(code, 5);
});

Deno.test("check ws:// and wss:// open one connection, and still judge the certificate (fault 10)", async () => {
  const authority = await TestAuthority.create();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/ca.pem`, authority.cert);
    for (const scheme of ["ws", "wss"]) {
      using deadlineTimer = new DeadlineTimer(10);
      const acceptor = await WebSocketAcceptor.create({
        routes: {},
        subprotocols: [],
        origins: [],
        maxMessageBytes: 1024,
        pings: { interval: 60_000, timeout: 60_000, deadlineTimer },
      });
      using listener = await listen(`${scheme}://127.0.0.1:0`, {
        ...(scheme === "wss" ? { tls: await authority.issue({ toDays: 20 }) } : {}),
      });
      let accepted = 0;
      const accepting = (async () => {
        for await (const connection of listener) {
          accepted++;
          const session = await acceptor.accept(connection);
          while (session && await session.receive() !== null);
          await session?.finish();
        }
      })();
      const endpoint = formatEndpoint(listener.endpoint);
      const trust = scheme === "wss" ? ["--tls-ca", `${folder}/ca.pem`] : [];
      const { code, stdout } = await runClient(["check", "--json", ...trust, endpoint]);
      assertEquals([code, accepted], [0, 1], stdout);
      assertEquals(JSON.parse(stdout).days, scheme === "wss" ? 19 : undefined);
      if (scheme === "wss") {
        assertEquals((await runClient(["check", ...trust, "--min-days", "20", endpoint])).code, 1);
        assertEquals((await runClient(["check", ...trust, "--min-days", "19", endpoint])).code, 0);
      }
      listener.close();
      await accepting;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
