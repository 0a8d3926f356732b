import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram, startServer } from "../support/in_process.ts";
import { runClient } from "../support/run_client.ts";

const TOKEN = "dG9rZW4tb2YtY2ktMQ";

/** A service over ws that names must log in to: ann by her password, ci by a token. */
async function startClosed(service: string, ...flags: string[]) {
  const folder = await Deno.makeTempDir();
  const { stdout } = await runProgram("server", ["hash-password", "ann"], { input: "correct horse\n" });
  await Deno.writeTextFile(`${folder}/names`, stdout);
  await Deno.writeTextFile(`${folder}/tokens`, `ci ${TOKEN}\n`);
  await Deno.writeTextFile(`${folder}/token`, `${TOKEN}\n`);
  const logins = ["--auth", `${folder}/names`, "--token-file", `${folder}/tokens`];
  const started = await startServer([service, "ws://127.0.0.1:0", ...logins, ...flags]);
  return {
    endpoint: started.endpoint,
    asAnn: started.endpoint.replace("://", "://ann:correct%20horse@"),
    byToken: ["--bearer", `file:${folder}/token`],
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("check logs in to a WebSocket by --bearer, by --header and by user information, and shows none of it", async () => {
  await using server = await startClosed("echo", "--framing", "line");
  const ways = [
    [server.endpoint, ...server.byToken],
    [server.endpoint, "--header", `Authorization: Bearer ${TOKEN}`],
    [server.asAnn],
  ];
  for (const way of ways) {
    const { code, stdout, stderr } = await runClient(["check", ...way, "--log-level", "trace"]);
    assertEquals(code, 0, stdout + stderr);
    for (const secret of [TOKEN, "correct", btoa("ann:correct horse")]) {
      assertEquals((stdout + stderr).includes(secret), false, stdout + stderr);
    }
  }
  const wrong = await runClient(["check", server.endpoint, "--header", "Authorization: Bearer wrong"]);
  assertEquals(wrong.code !== 0, true);
  assertStringIncludes(wrong.stdout, "401");
});

Deno.test("check sends repeated headers and cookies, over ws and http alike", async () => {
  for (const scheme of ["ws", "http"]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const flags = ["--header", "X-Id: 7", "--header", "x-id: 8", "--cookie", "a=b", "--cookie", "c=d"];
    const url = `${scheme}://127.0.0.1:${listener.addr.port}/`;
    const checking = runClient(["check", url, ...flags, "--status", "204"]);
    using conn = await listener.accept();
    const bytes = new Uint8Array(4_096);
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      head += new TextDecoder().decode(bytes.subarray(0, await conn.read(bytes) ?? 0));
    }
    await conn.write(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
    const { code, stdout } = await checking;
    assertEquals(code, 0, stdout);
    const lines = head.split("\r\n");
    assertEquals([lines.includes("X-Id: 7, 8"), lines.includes("Cookie: a=b; c=d")], [true, true], head);
  }
});

Deno.test("bench logs in on each of its connections, also in threads", async () => {
  await using server = await startClosed("echo");
  for (const way of [[server.endpoint, ...server.byToken, "--workers", "2"], [server.asAnn]]) {
    const args = ["bench", ...way, "-n", "20", "-c", "4", "--json"];
    // Threads begin at the program, which the test is not.
    const { code, stdout, stderr } = await runProgram("client", args, { permissions: ["-N", "-R"] });
    assertEquals(code, 0, stdout + stderr);
    assertEquals(JSON.parse(stdout).answered, 20);
  }
  const wrong = ["--header", "Authorization: Bearer x"];
  const rejected = await runProgram("client", ["bench", server.endpoint, "-n", "1", "-c", "1", ...wrong]);
  assertEquals([rejected.code !== 0, rejected.stderr.includes("401")], [true, true], rejected.stderr);
});

Deno.test("chat takes the name of an Authorization login, and asks for no other", async () => {
  await using server = await startClosed("chat");
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["ann", [server.asAnn]],
    ["ci", [server.endpoint, ...server.byToken]],
  ];
  for (const [name, way] of cases) {
    const { code, stdout, stderr } = await runClient(
      ["chat", ...way, "--json"],
      '{"type":"publish","room":"#lobby","id":"1","text":"hi"}\n',
    );
    assertEquals(code, 0, stdout + stderr);
    const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const welcomes = events.filter(({ type }) => type === "welcome");
    assertEquals(welcomes.map(({ nick, loginRequired }) => [nick, loginRequired]), [[name, false]]);
    assertEquals(
      events.some(({ type, from, text }) => type === "message" && from === name && text === "hi"),
      true,
      stdout,
    );
  }
  const anonymous = await runClient(["chat", server.endpoint], "hi\n");
  assertEquals(anonymous.code, 2);
  assertStringIncludes(anonymous.stderr, "the server requires a login");
});

Deno.test("chat --token-file without --auth names its clients", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/tokens`, `ci ${TOKEN}\n`);
  try {
    const args = ["chat", "ws://127.0.0.1:0", "--token-file", `${folder}/tokens`];
    await using started = await startServer(args);
    const header = ["--header", `Authorization: Bearer ${TOKEN}`];
    const { code, stdout, stderr } = await runClient(["chat", started.endpoint, ...header, "--json"], "");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, '"nick":"ci"');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("--header, --bearer and --cookie are rejected if no request is sent", async () => {
  for (const command of ["check", "bench", "chat"]) {
    for (const flag of [["--header", "A: b"], ["--cookie", "a=b"]]) {
      const { code, stderr } = await runClient([command, "tcp://127.0.0.1:1", ...flag]);
      assertEquals([code, stderr.includes(`${flag[0]} needs an endpoint with`)], [2, true], stderr);
    }
    const token = await runClient([command, "ws://127.0.0.1:1", "--bearer", "t0ken"]);
    assertEquals([token.code, token.stderr.includes("t0ken")], [2, false], token.stderr);
  }
});
