// A UDP echo server on Node's `dgram`.
import dgram from "node:dgram";

const socket = dgram.createSocket("udp4");
socket.on("message", (message, from) => socket.send(message, from.port, from.address));
socket.bind(Number(process.argv[2]), "127.0.0.1");
