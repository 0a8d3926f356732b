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

/** A client of the JSON wire. */
export class JsonPeer implements Disposable {
  readonly #lines: LinePeer;

  private constructor(lines: LinePeer) {
    this.#lines = lines;
  }

  /** A peer that speaks JSON already. */
  static of(lines: LinePeer): JsonPeer {
    return new JsonPeer(lines);
  }

  /** Goes over to JSON and leaves #lobby, so that a test begins in no room. */
  static async enter(endpoint: string): Promise<JsonPeer> {
    const lines = new LinePeer(await dial(endpoint));
    await lines.until(/^\* You are in #lobby/);
    await lines.send("/leave\n/mode json");
    await lines.until(/^\{"type":"welcome"/);
    return new JsonPeer(lines);
  }

  async send(request: Readonly<Record<string, unknown>> | string): Promise<void> {
    await this.#lines.send(typeof request === "string" ? request : JSON.stringify(request));
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
    this.#lines.conn.close();
  }
}
