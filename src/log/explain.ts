import type { LogRecord } from "./logger.ts";

/** The steps of a program on a socket, explained. */
export const EXPLANATIONS = {
  resolve: "looks up the addresses of a name (getaddrinfo)",
  socket: "creates a socket: one end of a connection, with no address yet",
  bind: "assigns a local address and port to the socket; port 0 lets the kernel pick one",
  listen: "lets clients connect; the backlog limits how many wait to be accepted",
  accept: "takes the next client from the queue, with a new socket for its connection",
  connect: "opens a connection; TCP takes three packets: SYN, SYN-ACK, ACK",
  handshake: "agrees on keys with the peer and checks its certificate (TLS)",
  send: "passes bytes to the kernel, which sends them; success does not mean that they arrived",
  receive: "takes received bytes; one read may return part of a message, or several",
  "half-close": "ends this side of the stream (FIN); the peer may continue to send",
  end: "the peer has ended its side of the stream",
  close: "closes the socket and frees its descriptor",
} as const;

/** One of {@linkcode EXPLANATIONS}. */
export type Step = keyof typeof EXPLANATIONS;

/** For newcomers: a sink that explains each step in one line when a connection or a listener first takes it. */
export function explainSink(write: (line: string) => void): (record: LogRecord) => void {
  const explained = new Set<string>();
  return ({ fields: { step } }) => {
    if (typeof step !== "string" || !(step in EXPLANATIONS) || explained.has(step)) return;
    explained.add(step);
    write(`  ${step.padEnd(10)} ${EXPLANATIONS[step as Step]}\n`);
  };
}
