import { dial, dialStream, LinePeer } from "./peer.ts";

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

/** What carries a wire: lines of a stream, or messages of a WebSocket. */
export interface Lines {
  send(line: string): Promise<void>;
  /** The next line, `undefined` at the server's end. */
  line(): Promise<string | undefined>;
  close(): void;
}

/** How {@linkcode dialLines} connects. */
interface LinesOptions {
  /** The authority to trust, in PEM. */
  readonly ca?: string | undefined;
  /** Over WebSocket. */
  readonly subprotocol?: string;
}

/** Connects to a chat, whatever the endpoint's kind. */
export async function dialLines(endpoint: string, { ca, subprotocol }: LinesOptions = {}): Promise<Lines> {
  if (endpoint.startsWith("ws:")) return await webSocketLines(endpoint, subprotocol);
  const peer = new LinePeer(await dialStream(endpoint, ca));
  return { send: (line) => peer.send(line), line: () => peer.line(), close: () => peer.conn.close() };
}

/** A client of the text wire, whatever carries it. */
export class TextPeer implements Disposable {
  readonly #lines: Lines;

  private constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** Connects and waits for the greeting; takes its own name where one is given. */
  static async enter(endpoint: string, options: LinesOptions & { nick?: string | undefined } = {}): Promise<TextPeer> {
    const peer = new TextPeer(await dialLines(endpoint, options));
    await peer.until(/^\* You are in #lobby/);
    if (options.nick === undefined) return peer;
    await peer.send(`/nick ${options.nick}`);
    await peer.until(new RegExp(`^\\* \\S+ is now ${options.nick}$`));
    return peer;
  }

  /** Sends each line of a text. */
  async send(text: string): Promise<void> {
    for (const line of text.split("\n")) await this.#lines.send(line);
  }

  /** The next line, `undefined` at the server's end. */
  line(): Promise<string | undefined> {
    return this.#lines.line();
  }

  /** The next line that matches; it throws at the server's end. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line === undefined) throw new Error(`the server ended before a line matched ${pattern}`);
      if (pattern.test(line)) return line;
    }
  }

  /** What is answered to a line. */
  async reply(line: string): Promise<string | undefined> {
    await this.send(line);
    return await this.line();
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}

/** A client of the JSON wire, in no room at first. */
export class JsonPeer implements Disposable {
  readonly #lines: Lines;

  private constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** A peer that already uses JSON. */
  static of(peer: LinePeer): JsonPeer {
    return new JsonPeer({
      send: (line) => peer.send(line),
      line: () => peer.line(),
      close: () => peer.conn.close(),
    });
  }

  /** Connects over a stream, switches to JSON and leaves #lobby; or over WebSocket with `parley.v1`. */
  static async enter(endpoint: string, ca?: string): Promise<JsonPeer> {
    const lines = await dialLines(endpoint, { ca, subprotocol: "parley.v1" });
    if (!endpoint.startsWith("ws:")) await lines.send("/leave\n/mode json");
    let line = await lines.line();
    while (line?.startsWith(`{"type":"welcome"`) === false) line = await lines.line();
    return new JsonPeer(lines);
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
    const event: JsonEvent = JSON.parse(line);
    if (event.type !== "ping") return event;
    await this.send({ type: "pong" });
    return await this.next();
  }

  /** The next object of a type. */
  async until(type: string): Promise<JsonEvent> {
    for (;;) {
      const event = await this.next();
      if (event.type === type) return event;
    }
  }

  /** Whether the server closes the connection, after any further data. */
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
async function webSocketLines(endpoint: string, subprotocol: string | undefined): Promise<Lines> {
  const socket = new WebSocket(endpoint, subprotocol ?? []);
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
