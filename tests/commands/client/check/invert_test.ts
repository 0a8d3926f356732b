import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fullListener } from "../../../support/full_listener.ts";
import { closedPort } from "../../../support/ports.ts";
import { resettingPeer } from "../../../support/resetting_peer.ts";
import { runClient } from "../../../support/run_client.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";

const invert = (endpoint: string) => runClient(["check", "--invert", "--timeout", "200ms", endpoint]);

Deno.test("check --invert passes if every address refuses connections, over each transport (fault 12)", async () => {
  const port = closedPort();
  const folder = await Deno.makeTempDir();
  const stale = `${folder}/stale.sock`;
  const [missing, left] = [`unix:${folder}/none.sock`, `unix:${stale}`];
  Deno.listen({ transport: "unix", path: stale }).close();
  try {
    for (const endpoint of ["tcp", "tls", "ws", "wss", "udp"].map((scheme) => `${scheme}://127.0.0.1:${port}`)) {
      assertEquals((await invert(endpoint)).code, 0, endpoint);
    }
    for (const endpoint of [missing, left, `unixgram:${folder}/none.sock`]) {
      assertEquals((await invert(endpoint)).code, 0, endpoint);
    }
    assertEquals((await invert(`localhost:${port}`)).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("check --invert fails if a server closes, resets, or speaks another protocol (fault 12)", async () => {
  await using denying = scriptedPeer((conn) => conn.close());
  await using resetting = await resettingPeer();
  await using greeting = scriptedPeer(async (conn) => void await conn.write(new TextEncoder().encode("220 mail\r\n")));
  await using silent = scriptedPeer(() => {});
  const mute = silent.endpoint.replace(/^tcp/, "");
  const plain = greeting.endpoint.replace(/^tcp/, "");
  for (
    const endpoint of [
      denying.endpoint,
      resetting.endpoint,
      greeting.endpoint,
      `tls${plain}`,
      `ws${plain}`,
      `tls${mute}`,
      `ws${mute}`,
    ]
  ) {
    const { code, stdout } = await invert(endpoint);
    assertEquals(code, 1, `${endpoint}: ${stdout}`);
    assertMatch(stdout, /^fail .* accepts connections/, endpoint);
  }
});

Deno.test("check --invert takes a full backlog and a bound UDP port for no proof of absence (fault 12)", async () => {
  using full = await fullListener();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  using _bound = { [Symbol.dispose]: () => socket.close() };
  const endpoints = [
    `tcp://127.0.0.1:${full.port}`,
    `udp://127.0.0.1:${(socket.addr as Deno.NetAddr).port}`,
  ];
  for (const endpoint of endpoints) assertEquals((await invert(endpoint)).code, 5, endpoint);
});

Deno.test("check --invert fails for an endpoint that cannot exist, and for an unknown name (fault 12)", async () => {
  assertEquals((await invert("nobody.invalid:1")).code, 3);
  assertEquals((await invert("127.0.0.1:0")).code === 0, false);
});

Deno.test("check --invert rejects expectations about a running server (fault 12)", async () => {
  for (const words of [["--banner", "x"], ["--send", "x"], ["--stable-for", "1s"]]) {
    const { code, stderr } = await runClient(["check", "--invert", ...words, ":1"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `--invert and ${words[0]} cannot be combined`);
  }
});

Deno.test("check hints at servers that accept before they are ready, for a bare port only (fault 11)", async () => {
  const hinted = async (...words: string[]) => (await runClient(["check", "--timeout", "100ms", ...words])).stderr;
  assertMatch(
    await hinted("127.0.0.2:5432"),
    /^parley-client: hint: .* use postgres:\/\/127\.0\.0\.2:5432 to .* \(or tcp:\/\/127\.0\.0\.2:5432 to omit/,
  );
  assertMatch(await hinted("6379"), /redis:\/\/127\.0\.0\.1:6379/);
  assertEquals((await hinted(":3306", "27017")).split("\n").length, 3);
  for (
    const words of [["tcp://127.0.0.2:5432"], [":5433"], ["--invert", ":5432"], ["--banner", "x", ":6379"], [
      "unix:/nowhere",
    ]]
  ) {
    assertEquals(await hinted(...words), "", words.join(" "));
  }
});
