// An echo server on Node's `net`, on a port of 127.0.0.1 or the path of a Unix socket.
import net from "node:net";

const where = process.argv[2];
net.createServer({ noDelay: true }, (socket) => {
  socket.on("data", (data) => socket.write(data));
  socket.on("error", () => socket.destroy());
}).listen(where.startsWith("/") ? { path: where } : { port: Number(where), host: "127.0.0.1" });
