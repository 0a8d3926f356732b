import type { LogRecord } from "@logtape/logtape";

/** What a program does with sockets, step by step, and what each step means. */
export const EXPLANATIONS = {
  resolve: "asks the system which addresses a name has (getaddrinfo)",
  socket: "asks the kernel for a socket: one end of a conversation, as yet without an address",
  bind: "gives the socket an address and a port of this machine; port 0 lets the kernel pick one",
  listen: "lets clients queue up at the socket; as many as the backlog may wait",
  accept: "takes the next client from the queue and gets a socket of its own for it",
  connect: "asks the other side for a connection: over TCP three packets, SYN, SYN-ACK, ACK",
  handshake: "agrees with the other side on keys, and checks its certificate (TLS)",
  send: "hands bytes to the kernel, which sends them; it does not say that they have arrived",
  receive: "takes the bytes that have come; one read may hold part of a message, or several",
  "half-close": "says that no more will be sent (FIN); the other side may go on sending",
  end: "the other side has said that it will send no more",
  close: "gives the socket back to the kernel",
} as const;

/** One of {@linkcode EXPLANATIONS}. */
export type Step = keyof typeof EXPLANATIONS;

/**
 * For newcomers: a sink that writes what each step is, in one line, the first
 * time a connection or a listener takes it.
 */
export function explainSink(write: (line: string) => void): (record: LogRecord) => void {
  const explained = new Set<string>();
  return ({ properties: { step } }) => {
    if (typeof step !== "string" || !(step in EXPLANATIONS) || explained.has(step)) return;
    explained.add(step);
    write(`  ${step.padEnd(10)} ${EXPLANATIONS[step as Step]}\n`);
  };
}
