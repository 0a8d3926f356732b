import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { enterChat, type JsonEvent, JsonPeer } from "../support/chat_peer.ts";
import { runProgram, startProgram, startServer } from "../support/program.ts";

const CHAT = ["chat", "tcp://127.0.0.1:0"];

Deno.test("parley-client chat sends its input and exits 0 once it is stored, over TCP and WebSocket", async () => {
  for (const endpoint of ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"]) {
    await using started = await startServer(["chat", endpoint]);
    const { code, stdout } = await runProgram(
      "client",
      ["chat", started.endpoint, "--nick", "ci", "--room", "builds", "--room", "#lobby"],
      { input: "build 214 is green\n/me leaves\n" },
    );
    assertEquals(code, 0);
    assertMatch(stdout, /\d\d:\d\d #builds ci: build 214 is green\n/);
    assertMatch(stdout, /\d\d:\d\d #builds \* ci leaves\n/);
  }
});

Deno.test("parley-client chat --room publishes to that room, although it enters #lobby first", async () => {
  await using started = await startServer(CHAT);
  using ann = await enterChat(started.endpoint, "ann");
  await ann.send("something that guests are shown");
  const { code, stdout } = await runProgram("client", ["chat", started.endpoint, "--room", "builds"], {
    input: "build 214 is green\n",
  });
  assertEquals(code, 0, stdout);
  assertMatch(stdout, /\d\d:\d\d #builds guest2: build 214 is green\n/);
  assertEquals(await ann.until(/left/), "* guest2 left #lobby");
});

Deno.test("parley-client chat exits 1 if the server rejects, 2 at an invalid line, 4 if the port is closed", async () => {
  await using started = await startServer(CHAT);
  const run = (input: string, args: readonly string[] = []) =>
    runProgram("client", ["chat", started.endpoint, ...args], { input });
  assertEquals((await run("/kick nobody\n")).code, 1);
  assertEquals((await run("/nope\n")).code, 2);
  assertEquals((await run("{\n", ["--json"])).code, 2);
  const refused = await runProgram("client", ["chat", "tcp://127.0.0.1:1"], { input: "" });
  assertEquals(refused.code, 4);
  assertMatch(refused.stderr, /^parley-client: Cannot connect to tcp:\/\/127\.0\.0\.1:1 .*\n$/);
});

Deno.test("parley-client chat reports a server that does not speak the chat protocol", async () => {
  await using started = await startServer(["discard", ":0"]);
  const { code } = await runProgram("client", ["chat", started.endpoint, "--wait-reply", "200ms"], { input: "hi\n" });
  assertEquals(code, 5);
});

Deno.test("parley-client chat --json: a bot that answers", async () => {
  await using started = await startServer(CHAT);
  using ann = await enterChat(started.endpoint, "ann");
  await using bot = startProgram("client", ["chat", started.endpoint, "--nick", "bot", "--json"]);
  const until = async (type: string): Promise<JsonEvent> => {
    for (;;) {
      const event: JsonEvent = JSON.parse(await bot.line());
      if (event.type === type) return event;
    }
  };
  await until("joined");
  await ann.until(/is now bot/);
  await ann.send("ping");
  const { from, text } = await until("message");
  assertEquals([from, text], ["ann", "ping"]);
  await bot.type('{"type":"publish","room":"#lobby","id":"p1","text":"pong"}\n');
  assertEquals((await until("ack")).id, "p1");
  assertEquals(await ann.until(/^\[/), "[#lobby] bot: pong");
  assertEquals((await bot.outcome()).code, 0);
});

Deno.test("parley-client chat --json reconnects after kill -9 of the server and misses nothing", async () => {
  const folder = await Deno.makeTempDir();
  const serverArgs = ["--history", `${folder}/chat.db`, "--log-level", "off"];
  let endpoint = "tcp://127.0.0.1:0";
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const heard: number[] = [];
  let bot: ReturnType<typeof startProgram> | undefined;
  const hearUpTo = async (last: number) => {
    while (heard.at(-1) !== last) {
      const event: JsonEvent = JSON.parse(await bot?.line() ?? "");
      if (event.type === "message") heard.push(Number(event.seq));
    }
  };
  for (let round = 0; round < 3; round++) {
    await using started = await startServer(["chat", endpoint, ...serverArgs], { permissions: ["-A"] });
    endpoint = started.endpoint;
    using ann = await JsonPeer.enter(endpoint);
    await ann.send({ type: "join", room: "#dev" });
    await ann.until("joined");
    if (bot === undefined) {
      bot = stack.use(startProgram("client", ["chat", endpoint, "--json", "--room", "#dev"]));
      while (JSON.parse(await bot.line()).type !== "joined") {
        // The welcome.
      }
    } else {
      await hearUpTo(round * 10);
    }
    for (let count = 1; count <= 10; count++) {
      await ann.send({ type: "publish", room: "#dev", text: `${round} ${count}` });
      await ann.until("ack");
    }
    if (round % 2 === 0) await hearUpTo(round * 10 + 10);
    if (round < 2) started.server.kill("SIGKILL");
    else await bot?.endInput();
    await started.server[round < 2 ? "outcome" : "endInput"]();
  }
  assertEquals(heard, Array.from({ length: 30 }, (_, index) => index + 1));
  const { code, stderr } = await bot?.outcome() ?? { code: -1, stderr: "" };
  assertEquals(code, 0);
  assertStringIncludes(stderr, "connected again");
});
