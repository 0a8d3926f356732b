import { assertEquals } from "@std/assert";
import { startServer } from "../support/program.ts";
import { runClient } from "../support/run_client.ts";
import { runTool, toolTest } from "../support/tools.ts";

/** Sends two messages and closes with a code; prints what was agreed, the replies and how it ended. */
const CLIENT = `import WebSocket from "ws";
const socket = new WebSocket(process.argv[2], { headers: { Authorization: "Bearer 0123456789abcdef" }, perMessageDeflate: { threshold: 0 } });
const replies = [];
socket.on("open", () => socket.send("hello ".repeat(1000)));
socket.on("message", (data, isBinary) => {
  replies.push(data.length, isBinary);
  if (replies.length === 2) socket.send(Buffer.from([1, 2, 3]));
  else socket.close(4002, "done");
});
socket.on("error", (error) => console.log(error.message));
socket.on("close", (code, reason) => console.log(JSON.stringify([socket.extensions.split(";")[0], replies, code, String(reason)])));
`;

/** Echoes a message with the header that came, then closes with a code. */
const SERVER = `import { WebSocketServer } from "ws";
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: { threshold: 0 } });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket, request) => socket.on("message", (data) => {
  socket.send([socket.extensions.split(";")[0], request.headers["x-id"], data].join(" "));
  socket.close(4003, "enough");
}));
`;

/** A folder with Node's ws, installed for this test from the npm registry. */
async function installWs(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "ws@8.23.0"];
  assertEquals((await runTool("npm", install)).code, 0);
  await Deno.writeTextFile(`${folder}/client.mjs`, CLIENT);
  await Deno.writeTextFile(`${folder}/server.mjs`, SERVER);
  return folder;
}

toolTest("npm", "Node's ws talks to us with a token, deflate and a close code", async () => {
  const folder = await installWs();
  try {
    await Deno.writeTextFile(`${folder}/tokens`, "ci 0123456789abcdef\n");
    for (const endpoint of ["ws://127.0.0.1:0", `ws+unix:${folder}/socket:/talk?a=b`]) {
      const args = ["echo", endpoint, "--compress", "--token-file", `${folder}/tokens`];
      await using started = await startServer(args, { permissions: ["-A"] });
      const { stdout } = await runTool("node", [`${folder}/client.mjs`, started.endpoint]);
      // A Close is answered with its code (RFC 6455, section 5.5.1), without the text.
      assertEquals(JSON.parse(stdout), ["permessage-deflate", [6_000, false, 3, true], 4002, ""]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

toolTest("npm", "we talk to a server of Node's ws with a header, deflate and a close code", async () => {
  const folder = await installWs();
  const command = new Deno.Command("node", { args: [`${folder}/server.mjs`], stdout: "piped", stdin: "null" });
  const child = command.spawn();
  const reader = child.stdout.getReader();
  try {
    const port = new TextDecoder().decode((await reader.read()).value).trim();
    const flags = [
      "--header",
      "X-Id: 7",
      "--compress",
      "--expect",
      "permessage-deflate 7 hello",
      "--expect-close",
      "4003",
    ];
    const { code, stdout, stderr } = await runClient(["send", `ws://127.0.0.1:${port}/`, "hello", ...flags]);
    assertEquals(code, 0, stdout + stderr);
  } finally {
    child.kill();
    await reader.cancel();
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});
