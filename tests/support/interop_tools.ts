/**
 * Programs of others that serve and that talk, each as a command line. Those
 * that can print their port once they listen do; of the others the port is
 * given, and they are there when they answer.
 *
 * @module
 */

import { findTool } from "./tools.ts";

/** The Python that has `websockets`: Debian's package is seen by Debian's own Python alone. */
export const PYTHON = ["/usr/bin/python3", findTool("python3")].find(hasWebsockets) ?? "Python's websockets";

function hasWebsockets(path: string | undefined): boolean {
  if (path === undefined || findTool(path) === undefined) return false;
  return new Deno.Command(path, { args: ["-c", "import websockets"], stderr: "null" }).outputSync().success;
}

const PYTHON_ECHO = `
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536): self.request.sendall(data)
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
`;

const PYTHON_CLIENT = `
import socket, sys, threading
conn = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send():
    conn.sendall(sys.stdin.buffer.read())
    conn.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while data := conn.recv(65536): sys.stdout.buffer.write(data)
`;

const WEBSOCKETS_ECHO = `
import asyncio, websockets
async def echo(socket, path=None):
    async for message in socket: await socket.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`;

const WEBSOCKETS_CLIENT = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:" + sys.argv[1]) as socket:
        for line in sys.stdin.read().splitlines():
            await socket.send(line)
            print(await socket.recv())
asyncio.run(main())
`;

const NODE_WS_ECHO = `
const { WebSocketServer } = require(process.argv[1]);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
`;

const NODE_WS_CLIENT = `
const WebSocket = require(process.argv[1]);
const lines = require("fs").readFileSync(0, "utf8").split("\\n").filter(Boolean);
const socket = new WebSocket("ws://127.0.0.1:" + process.argv[2]);
let left = lines.length;
socket.on("open", () => lines.forEach((line) => socket.send(line)));
socket.on("message", (data) => { console.log(String(data)); if (--left === 0) socket.close(1000); });
socket.on("close", (code) => process.exit(code === 1000 ? 0 : 1));
`;

/** A program of others that serves. */
export interface ToolServer {
  readonly name: string;
  /** What must be installed. */
  readonly tool: string;
  readonly scheme: "tcp" | "tls" | "ws";
  /** Its command line; with a port where it cannot choose one itself. */
  words(context: { port: number; folder: string; wsModule: string }): string[];
  /** Whether it prints the port that it chose. */
  readonly printsPort: boolean;
  /** It drops what it has not sent yet when its client ends its side: seen with nc and socat as clients too. */
  readonly losesRepliesAtEnd?: boolean;
  /** The reply to a line; by default the line itself. */
  reply?(line: string): string;
}

/** Echo servers of others. */
export const TOOL_SERVERS: readonly ToolServer[] = [
  {
    name: "ncat",
    tool: "ncat",
    scheme: "tcp",
    printsPort: false,
    losesRepliesAtEnd: true,
    words: ({ port }) => ["ncat", "-l", "-k", "127.0.0.1", String(port), "--exec", "/bin/cat"],
  },
  {
    name: "socat",
    tool: "socat",
    scheme: "tcp",
    printsPort: false,
    words: ({ port }) => ["socat", `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, "EXEC:cat"],
  },
  {
    name: "Python's socketserver",
    tool: "python3",
    scheme: "tcp",
    printsPort: true,
    words: () => ["python3", "-c", PYTHON_ECHO],
  },
  {
    name: "openssl s_server",
    tool: "openssl",
    scheme: "tls",
    printsPort: false,
    words: ({ port, folder }) => [
      ...["openssl", "s_server", "-quiet", "-rev", "-accept", `127.0.0.1:${port}`],
      ...["-cert", `${folder}/cert.pem`, "-key", `${folder}/key.pem`],
    ],
    reply: (line) => [...line].reverse().join(""),
  },
  {
    name: "Python's websockets",
    tool: PYTHON,
    scheme: "ws",
    printsPort: true,
    words: () => [PYTHON, "-c", WEBSOCKETS_ECHO],
  },
  {
    name: "ws on Node",
    tool: "node",
    scheme: "ws",
    printsPort: true,
    words: ({ wsModule }) => ["node", "-e", NODE_WS_ECHO, wsModule],
  },
];

/** A third-party program that sends its standard input and prints the reply. */
interface ToolClient {
  readonly name: string;
  /** What must be installed. */
  readonly tool: string;
  readonly scheme: "tcp" | "tls" | "ws";
  words(context: { port: string; folder: string; wsModule: string }): string[];
}

/** Clients of others. */
export const TOOL_CLIENTS: readonly ToolClient[] = [
  { name: "nc", tool: "nc", scheme: "tcp", words: ({ port }) => ["nc", "-N", "127.0.0.1", port] },
  { name: "ncat", tool: "ncat", scheme: "tcp", words: ({ port }) => ["ncat", "127.0.0.1", port] },
  {
    name: "socat",
    tool: "socat",
    scheme: "tcp",
    words: ({ port }) => ["socat", "-t", "10", "-", `TCP:127.0.0.1:${port}`],
  },
  {
    name: "a Python socket",
    tool: "python3",
    scheme: "tcp",
    words: ({ port }) => ["python3", "-c", PYTHON_CLIENT, port],
  },
  {
    name: "socat with TLS",
    tool: "socat",
    scheme: "tls",
    words: ({ port, folder }) => ["socat", "-t", "10", "-", `OPENSSL:127.0.0.1:${port},cafile=${folder}/ca.pem`],
  },
  {
    name: "ncat with TLS",
    tool: "ncat",
    scheme: "tls",
    words: ({ port }) => ["ncat", "--ssl", "127.0.0.1", port],
  },
  {
    name: "Python's websockets",
    tool: PYTHON,
    scheme: "ws",
    words: ({ port }) => [PYTHON, "-c", WEBSOCKETS_CLIENT, port],
  },
  {
    name: "ws on Node",
    tool: "node",
    scheme: "ws",
    words: ({ port, wsModule }) => ["node", "-e", NODE_WS_CLIENT, wsModule, port],
  },
];

/** Where Deno keeps the package `ws`, which Node can load as it is. */
export function wsModulePath(): string {
  return decodeURIComponent(new URL(".", import.meta.resolve("ws")).pathname);
}
