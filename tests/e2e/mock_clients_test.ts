import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PYTHON } from "../support/interop_tools.ts";
import { RunningMock } from "../support/running_mock.ts";
import { runTool, toolTest } from "../support/tools.ts";

/** An HTTP answer that ends in the middle of its body. */
const CUT_BODY = (ending: string) =>
  String.raw`
connections:
  - steps:
      - expect-regex: "^GET / HTTP/1\\.1\r\n[^]*\r\n\r\n$"
      - send: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
      - delay: 20ms
      - ${ending}: true
`;

for (const [ending, code] of [["close", 18], ["reset", 56]] as const) {
  toolTest("curl", `curl exits ${code} when mock ends a body by ${ending} (#20)`, async () => {
    await using mock = await RunningMock.start(CUT_BODY(ending), ["--exit-after", "1"]);
    const outcome = await runTool("curl", ["-sS", "--max-time", "10", `http://127.0.0.1:${mock.port}/`]);
    assertEquals([outcome.code, outcome.stdout], [code, "half"]);
    assertEquals((await mock.ended()).code, 0);
  });
}

toolTest("curl", "curl exits 18 when mock truncates a message (#20)", async () => {
  const script = String.raw`
connections:
  - when: { regex: "^GET " }
    steps: [{ send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", truncate: 40 }, { close: true }]`;
  await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
  const outcome = await runTool("curl", ["-sS", "--max-time", "10", `http://127.0.0.1:${mock.port}/`]);
  assertEquals([outcome.code, outcome.stdout], [18, "ab"]);
  assertEquals((await mock.ended()).code, 0);
});

toolTest("curl", "mock serves several requests of curl on one connection (#20)", async () => {
  const script = String.raw`
connections:
  - { when: { regex: "^GET /(\\w+) " }, reply: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{1}" }
expect: { connections: 1 }`;
  await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
  const url = `http://127.0.0.1:${mock.port}`;
  const outcome = await runTool("curl", ["-sS", "--max-time", "10", `${url}/a`, `${url}/b`]);
  assertEquals([outcome.code, outcome.stdout], [0, "ab"]);
  assertEquals((await mock.ended()).code, 0);
});

const SMTP = String.raw`
framing: "delimiter:\r\n"
connections:
  - on-connect: { send: "220 mock ESMTP" }
    steps:
      - expect-regex: "^[eE][hH][lL][oO] (\\S+)$"
      - send: "250 mock greets {1}"
      - expect-regex: "^(?i:mail from):<ann@example\\.org>"
      - send: "250 ok"
      - expect-regex: "^(?i:rcpt to):<bob@example\\.org>"
      - send: "250 ok"
      - expect-regex: "^(?i:data)$"
      - send: "354 go on"
      - expect-exactly: "Subject: hi"
      - expect-exactly: ""
      - expect-exactly: "hello"
      - expect-exactly: "."
      - send: "250 queued"
      - expect-regex: "^(?i:quit)$"
      - send: "221 bye"
`;

const SEND_MAIL = `
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=10) as smtp:
    smtp.sendmail("ann@example.org", "bob@example.org", "Subject: hi\\r\\n\\r\\n" + sys.argv[2])
`;

toolTest("python3", "Python's smtplib delivers a message to mock, and one wrong byte is found (#20)", async () => {
  const script = SMTP.replace('      - expect-exactly: ""\n', '      - expect-regex: "^$"\n');
  for (const [body, expected] of [["hello", 0], ["hellO", 1]] as const) {
    await using mock = await RunningMock.start(script, ["--exit-after", "1", "--strict"]);
    const outcome = await runTool("python3", ["-c", SEND_MAIL, String(mock.port), body]);
    assertEquals(outcome.code, expected);
    const { code, out } = await mock.ended();
    assertEquals(code, expected);
    if (expected === 1) assertMatch(out, /expected {2}hello\n\s+received {2}hellO\n\s+\^ differs at byte 4/);
  }
});

toolTest("redis-cli", "redis-cli talks to mock (#20)", async () => {
  const script = String.raw`
connections:
  - { when: { regex: "COMMAND|HELLO|CLIENT" }, reply: "-ERR unknown command\r\n" }
  - { when: { regex: "\r\n(?i:set)\r\n\\$\\d+\r\nkey\r\n\\$\\d+\r\n(.*)\r\n" }, reply: "+OK\r\n", set-global: { key: "{1}" } }
  - { when: { regex: "\r\n(?i:get)\r\n\\$\\d+\r\nkey\r\n" }, if: { key: "" }, reply: "$-1\r\n" }
  - { when: { regex: "\r\n(?i:get)\r\n\\$\\d+\r\nkey\r\n" }, reply: "+{key}\r\n" }
otherwise: { send: "-ERR no such command\r\n" }`;
  await using mock = await RunningMock.start(script, ["--exit-after", "4"]);
  const redis = async (...words: string[]) =>
    (await runTool("redis-cli", ["-p", String(mock.port), ...words])).stdout.trim();
  assertEquals(await redis("get", "key"), "");
  assertEquals(await redis("set", "key", "value"), "OK");
  assertEquals(await redis("get", "key"), "value");
  assertStringIncludes(await redis("flushall"), "no such command");
  const { code, out } = await mock.ended();
  assertEquals(code, 1);
  assertMatch(out, /3 passed, 1 failed/);
});

const WEBSOCKET = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as peer:
        await peer.send("hello")
        print(await peer.recv())
        print(await peer.recv())
        try:
            await peer.recv()
        except websockets.exceptions.ConnectionClosed:
            print(peer.close_code, peer.close_reason)
asyncio.run(main())
`;

toolTest(PYTHON, "Python's websockets sees types and the close code of mock (#20)", async () => {
  const script = String.raw`
connections:
  - steps:
      - expect-exactly: hello
        type: text
      - send: hi
      - send-hex: "00ff"
      - close: { code: 1013, text: later }`;
  await using mock = await RunningMock.start(script, ["ws://127.0.0.1:0/", "--exit-after", "1"]);
  const outcome = await runTool(PYTHON, ["-c", WEBSOCKET, mock.endpoint]);
  assertEquals([outcome.stdout, outcome.code], ["hi\nb'\\x00\\xff'\n1013 later\n", 0]);
  assertEquals((await mock.ended()).code, 0);
});
