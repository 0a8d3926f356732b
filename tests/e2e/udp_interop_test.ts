import { assertEquals, assertMatch } from "@std/assert";
import { startUdpServer } from "../support/in_process.ts";
import { portOf } from "../support/ports.ts";
import { toolTest } from "../support/tools.ts";

const ANY = "udp://127.0.0.1:0";

async function run(command: string, args: readonly string[], input: string): Promise<string> {
  await using child = new Deno.Command(command, { args: [...args], stdin: "piped", stdout: "piped", stderr: "null" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  return await new Response(child.stdout).text();
}

toolTest("nc", "serve upper answers nc -u", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  assertEquals(await run("nc", ["-u", "-w", "1", "127.0.0.1", `${portOf(started.endpoint)}`], "from nc"), "FROM NC");
});

toolTest("socat", "serve upper answers socat", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  assertEquals(
    await run("socat", ["-t1", "-", `UDP:127.0.0.1:${portOf(started.endpoint)}`], "from socat"),
    "FROM SOCAT",
  );
});

toolTest("python3", "serve upper answers Python, datagram by datagram", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const script = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect(("127.0.0.1", int(sys.argv[1])))
for text in (b"one", b"", b"three"):
    s.send(text)
print([s.recv(100) for _ in range(3)])
`;
  assertEquals(await run("python3", ["-c", script, `${portOf(started.endpoint)}`], ""), "[b'ONE', b'', b'THREE']\n");
});

toolTest("socat", "serve upper answers socat on a Unix datagram socket", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using _started = await startUdpServer(["upper", `unixgram:${folder}/s`]);
    const output = await run("socat", ["-t1", "-", `UNIX-SENDTO:${folder}/s,bind=${folder}/c`], "over unix");
    assertMatch(output, /^OVER UNIX$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
