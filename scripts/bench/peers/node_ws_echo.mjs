// A WebSocket server on Node's `ws`: `echo` sends back, `fanout` sends to all others. NODE_PATH names the package's folder.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(`${process.env.NODE_PATH}/`)("ws");
const [, , port, mode] = process.argv;
const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data, isBinary) => {
    if (mode === "echo") return socket.send(data, { binary: isBinary });
    for (const client of server.clients) if (client !== socket) client.send(data, { binary: isBinary });
  });
});
