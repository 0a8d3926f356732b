import { CertificateFiles } from "./certificate_files.ts";
import { dialLines, JsonPeer, type Lines, TextPeer } from "./chat_peer.ts";
import { type Program, type Started, startServer } from "./in_process.ts";

/** What a chat is served on; what its clients see must be the same over each. */
export const CHAT_WIRES = ["tcp", "unix", "tls", "ws"] as const;

/** One of {@linkcode CHAT_WIRES}. */
type ChatWire = typeof CHAT_WIRES[number];

/** A chat that runs, and how to get into it. */
export class ServedChat implements AsyncDisposable {
  readonly server: Program;
  readonly endpoint: string;
  readonly #files: CertificateFiles;

  private constructor(files: CertificateFiles, started: Started) {
    this.#files = files;
    this.server = started.server;
    this.endpoint = started.endpoint;
  }

  /** Starts one on an endpoint of its own. */
  static async start(wire: ChatWire, flags: readonly string[] = []): Promise<ServedChat> {
    const files = await CertificateFiles.create();
    const endpoint = wire === "unix" ? `unix:${files.path("chat.sock")}` : `${wire}://127.0.0.1:0`;
    const args = ["chat", endpoint, ...wire === "tls" ? files.flags() : [], ...flags];
    return new ServedChat(files, await startServer(args));
  }

  /** A client that has yet to be greeted. */
  connect(): Promise<Lines> {
    return dialLines(this.endpoint, { ca: this.#files.authority.cert });
  }

  /** A client of the text wire that has been greeted, under its own name where one is given. */
  enter(nick?: string): Promise<TextPeer> {
    return TextPeer.enter(this.endpoint, { nick, ca: this.#files.authority.cert });
  }

  /** A client of the JSON wire, in no room at first. */
  enterJson(): Promise<JsonPeer> {
    return JsonPeer.enter(this.endpoint, this.#files.authority.cert);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#files[Symbol.asyncDispose]();
  }
}
