import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { closedPort, portOf } from "../../../support/ports.ts";
import { runClient } from "../../../support/run_client.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";

const REPLY = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A server that reads once, and then sends the text that `reply` makes of it. */
function answering(reply: (request: string) => string) {
  return scriptedPeer(async (conn) => {
    const buffer = new Uint8Array(4096);
    const count = await conn.read(buffer) ?? 0;
    await conn.write(new TextEncoder().encode(reply(new TextDecoder().decode(buffer.subarray(0, count)))));
  });
}

for (
  const words of [
    ["u:SECRET@127.0.0.1:1"],
    ["u:SEC/RET@127.0.0.1:1"],
    ["tcp://u:SECRET@127.0.0.1:1"],
    ["tcp://u:SECRET/SECRET@127.0.0.1:1"],
    ["redis://u:SEC/RET@127.0.0.1:1"],
    ["redis://u:SECRET@127.0.0.1:65536"],
    ["--login", "u:SECRET", "redis://127.0.0.1:1"],
    ["--login", "SECRET", "redis://127.0.0.1:1"],
    ["--login", "env:u:SECRET", "redis://127.0.0.1:1"],
    ["--header", "Authorization SECRET", "http://127.0.0.1:1"],
    ["--header", "Authorization: SECRET\r\nX: y", "http://127.0.0.1:1"],
  ]
) {
  Deno.test(`check ${words.join(" ")} is a mistake whose message does not show the password`, async () => {
    const { code, stdout, stderr } = await runClient(["check", "--log-level", "trace", ...words]);
    assertEquals([code, stdout], [2, ""], stderr);
    assertNotMatch(stderr, /SECRET|SEC\/RET/);
  });
}

for (
  const [words, message] of [
    [["--header", "no colon"], "Cannot send a header"],
    [["--method", "GE T"], 'Cannot use the HTTP method "GE T"'],
    [["--status", "abc"], 'Cannot use the statuses "abc"'],
    [["--status", "200,abc"], 'Cannot use the statuses "200,abc"'],
    [["--response-header", "a b: c"], 'Cannot expect the header "a b: c"'],
    [["--body-json", "abc"], 'Cannot compare "abc"'],
  ] as const
) {
  Deno.test(`check rejects ${words.join(" ")} before it waits for the server`, async () => {
    const endpoint = `http://127.0.0.1:${closedPort()}`;
    const { code, stderr } = await runClient(["check", "--wait", "60s", ...words, endpoint]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, message);
  });
}

Deno.test("check reports why a URL cannot be parsed", async () => {
  assertStringIncludes((await runClient(["check", "redis://127.0.0.1:65536"])).stderr, "65536 is not a number from 0");
  const { stderr } = await runClient(["check", "redis://u:a/b@127.0.0.1:1"]);
  assertStringIncludes(stderr, "special characters in a password must be percent-encoded");
});

for (const words of ["-LOADING \x1b]0;x\x07\x9b31m", "-NOAUTH\x1b[31m", "-ERR\x1b[2J", "\x1b[31m"]) {
  Deno.test(`check shows control characters of a server as escapes: ${JSON.stringify(words)}`, async () => {
    await using server = answering(() => `${words}\r\n`);
    for (const flags of [[], ["--json"]]) {
      const { stdout } = await runClient(["check", ...flags, `redis://127.0.0.1:${portOf(server.endpoint)}`]);
      // deno-lint-ignore no-control-regex
      assertNotMatch(stdout.trimEnd(), /[\x00-\x1f\x7f-\x9f]/);
    }
  });
}

Deno.test("check reports the whole time of an attempt when a reply stays incomplete", async () => {
  await using server = answering(() => "+PO");
  const endpoint = `redis://127.0.0.1:${portOf(server.endpoint)}`;
  const { code, stdout } = await runClient(["check", "--timeout", "200ms", endpoint]);
  assertEquals(code, 5);
  assertStringIncludes(stdout, "did not complete its reply within 200ms");
});

Deno.test("check sends secret headers to no other server that the first one redirects to", async () => {
  let received = "";
  await using other = answering((request) => {
    received = request;
    return REPLY;
  });
  const location = `http://127.0.0.1:${portOf(other.endpoint)}/x`;
  await using first = answering(() => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
  const secret = ["Authorization: Bearer SECRET", "cookie: a=SECRET", "X-Api-Key: SECRET", "X-Auth-Token: SECRET"];
  const { code } = await runClient([
    ...["check", "--max-redirects", "1", `http://127.0.0.1:${portOf(first.endpoint)}/`, "--header", "X-Kept: yes"],
    ...secret.flatMap((line) => ["--header", line]),
  ]);
  assertEquals(code, 0);
  assertMatch(received, /^X-Kept: yes\r$/m);
  assertNotMatch(received, /SECRET/);
});

for (const count of [1, 3]) {
  Deno.test(`check --max-redirects ${count} fails in a loop of redirects`, async () => {
    let requests = 0;
    await using server = answering(() => {
      requests++;
      return "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n";
    });
    const endpoint = `http://127.0.0.1:${portOf(server.endpoint)}/`;
    const { code, stdout } = await runClient(["check", "--max-redirects", String(count), endpoint]);
    assertEquals([code, requests], [1, count + 1]);
    assertStringIncludes(stdout, `too many redirects (more than ${count})`);
  });
}

Deno.test("check points out that a password of the endpoint is not checked without --login", async () => {
  await using server = answering(() => "+PONG\r\n");
  const port = portOf(server.endpoint);
  const { code, stderr } = await runClient(["check", `redis://:SECRET@127.0.0.1:${port}`]);
  assertEquals(code, 0);
  assertEquals(
    stderr,
    `parley-client: hint: the password for redis://127.0.0.1:${port} is not checked: add --login url to log in with it\n`,
  );
  assertEquals((await runClient(["check", `redis://127.0.0.1:${port}`])).stderr, "");
});

for (
  const [reply, words] of [
    ["", "closed the connection before it sent anything"],
    ["E\0", "closed the connection after 2 of 5 bytes of a reply"],
  ] as const
) {
  Deno.test(`check reports that a server closes after ${reply.length} bytes`, async () => {
    await using server = scriptedPeer(async (conn) => {
      await conn.read(new Uint8Array(4096));
      await conn.write(new TextEncoder().encode(reply));
      conn.close();
    });
    const endpoint = `postgres://127.0.0.1:${portOf(server.endpoint)}`;
    const { code, stdout } = await runClient(["check", endpoint]);
    assertEquals(code, 7);
    assertEquals(stdout, `fail  ${endpoint}  ${words}\n`);
  });
}

for (const words of [["--min-days", "3"], ["--body-json", "a=b"], ["--tls-ca", "ca.pem"]]) {
  Deno.test(`run rejects ${words.join(" ")} for endpoints that it does not apply to`, async () => {
    const run = ["run", "--start", "true", "--check", "tcp://127.0.0.1:1", ...words, "--", "true"];
    const { code, stderr } = await runClient(run);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${words[0]} needs an endpoint with`);
  });
}

Deno.test("check --quiet prints failures only", async () => {
  await using server = answering(() => REPLY);
  const ready = server.endpoint.replace("tcp:", "http:");
  const closed = `tcp://127.0.0.1:${closedPort()}`;
  assertEquals(await runClient(["check", "-q", ready]), { code: 0, stdout: "", stderr: "" });
  const { code, stdout } = await runClient(["check", "-q", ready, closed]);
  assertEquals([code, stdout], [4, `fail  ${closed.padEnd(ready.length)}  connection refused\n`]);
});
