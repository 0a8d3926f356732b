import { dial, LinePeer } from "./peer.ts";

/** A client of the text wire that has been greeted, under its own name where one is given. */
export async function enterChat(endpoint: string, nick?: string): Promise<LinePeer & Disposable> {
  const peer = new LinePeer(await dial(endpoint));
  await peer.until(/^\* You are in #lobby/);
  if (nick !== undefined) {
    await peer.send(`/nick ${nick}`);
    await peer.until(new RegExp(`^\\* \\S+ is now ${nick}$`));
  }
  return Object.assign(peer, { [Symbol.dispose]: () => peer.conn.close() });
}

/** An object of the JSON wire. */
export type JsonEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What carries the JSON wire. */
interface Lines {
  send(line: string): Promise<void>;
  line(): Promise<string | undefined>;
  close(): void;
}

/** A client of the JSON wire, in no room at first. */
export class JsonPeer implements Disposable {
  readonly #lines: Lines;

  private constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** A peer that speaks JSON already. */
  static of(peer: LinePeer): JsonPeer {
    return new JsonPeer({
      send: (line) => peer.send(line),
      line: () => peer.line(),
      close: () => peer.conn.close(),
    });
  }

  /** Connects over TCP, goes over to JSON and leaves #lobby; or over WebSocket with `parley.v1`. */
  static async enter(endpoint: string): Promise<JsonPeer> {
    if (endpoint.startsWith("ws:")) {
      const peer = new JsonPeer(await webSocketLines(endpoint));
      await peer.until("welcome");
      return peer;
    }
    const lines = new LinePeer(await dial(endpoint));
    await lines.until(/^\* You are in #lobby/);
    await lines.send("/leave\n/mode json");
    await lines.until(/^\{"type":"welcome"/);
    return JsonPeer.of(lines);
  }

  async send(...requests: readonly (Readonly<Record<string, unknown>> | string)[]): Promise<void> {
    for (const request of requests) {
      await this.#lines.send(typeof request === "string" ? request : JSON.stringify(request));
    }
  }

  /** The next object; it throws at the server's end. */
  async next(): Promise<JsonEvent> {
    const line = await this.#lines.line();
    if (line === undefined) throw new Error("the server ended the conversation");
    return JSON.parse(line);
  }

  /** The next object of a type. */
  async until(type: string): Promise<JsonEvent> {
    for (;;) {
      const event = await this.next();
      if (event.type === type) return event;
    }
  }

  /** Whether the server ends the conversation, after whatever it still says. */
  async ended(): Promise<boolean> {
    while (await this.#lines.line() !== undefined) {
      // Read to the end.
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}

/** The runtime's own WebSocket, message by message. */
async function webSocketLines(endpoint: string): Promise<Lines> {
  const socket = new WebSocket(endpoint, "parley.v1");
  const heard: string[] = [];
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  const ring = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  socket.onmessage = ({ data }) => {
    heard.push(String(data));
    ring();
  };
  socket.onclose = () => {
    isOver = true;
    ring();
  };
  const opened = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`cannot connect to ${endpoint}`));
  await opened.promise;
  return {
    send: (line) => Promise.resolve(socket.send(line)),
    async line() {
      while (heard.length === 0 && !isOver) await wake.promise;
      return heard.shift();
    },
    close: () => socket.close(),
  };
}
