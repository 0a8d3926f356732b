// An echo server over TLS on Node's `tls`.
import fs from "node:fs";
import tls from "node:tls";

const [, , port, cert, key] = process.argv;
tls.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key), noDelay: true }, (socket) => {
  socket.on("data", (data) => socket.write(data));
  socket.on("error", () => socket.destroy());
}).listen(Number(port), "127.0.0.1");
