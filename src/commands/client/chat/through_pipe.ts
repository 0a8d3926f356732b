import { TimeoutError, UsageError } from "../../../base/errors.ts";
import { isRecord, parseJson } from "../../../base/json.ts";
import { formatDuration } from "../../../base/units.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { LAST_OUTPUT_MS, PrintQueue } from "../../../cli/print.ts";
import { abortable } from "../../../net/wait.ts";
import type { ChatLink, Request } from "./link.ts";
import { showEvent } from "./show_event.ts";
import { readTyped } from "./typed_line.ts";

/** The chat over pipes: lines in, events out. */
export class ChatPipe {
  readonly #io: ProgramIo;
  readonly #output: PrintQueue;
  readonly #isJson: boolean;
  /** Whether the server rejected any input. */
  hasRefusal = false;
  /** The room of the next line: if it was not joined, no other room receives the line. */
  #room: string | undefined;

  constructor(io: ProgramIo, options: { isJson: boolean }) {
    this.#io = io;
    this.#output = new PrintQueue(io);
    this.#isJson = options.isJson;
  }

  /** Writes an event: an object, or lines. Settles when there may be more. */
  show(event: ChatEvent): Promise<void> | undefined {
    if (event.type === "error") this.hasRefusal = true;
    const lines = this.#isJson ? [JSON.stringify(event)] : showEvent(event, { color: false, currentRoom: undefined });
    if (lines.length > 0) this.#output.print(lines.map((line) => `${line}\n`).join(""));
    return this.#output.held;
  }

  /** Reports the state of the connection on standard error. */
  showStatus(text: string): void {
    this.#io.stderr.write(`* ${text}\n`);
  }

  /**
   * Sends each line, waits for all acknowledgements, and leaves.
   *
   * @throws {TimeoutError} A message was not acknowledged in time.
   */
  async talk(link: ChatLink, replyMs: number): Promise<void> {
    const running = link.run();
    const sending = this.#sendInput(link, replyMs);
    try {
      // The first failure is reported; the end of the input ends the link.
      const ended = Promise.race([running, sending.then(() => running)]);
      await abortable(ended, { signal: this.#output.failed });
    } catch (error) {
      link.quit(0);
      // Failures are reported even if the reader of standard output is stuck and holds the link back.
      if (this.#output.held === undefined) await running.catch(() => {});
      await abortable(this.#output.end(), { timeout: LAST_OUTPUT_MS }, () => new Error("unread")).catch(() => {});
      throw error;
    }
    await this.#output.end();
  }

  async #sendInput(link: ChatLink, replyMs: number): Promise<void> {
    await link.ready;
    this.#room = link.currentRoom;
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let rest = "";
    for (let count = await this.#io.stdin.read(buffer); count !== null; count = await this.#io.stdin.read(buffer)) {
      const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#onLine(line, link);
      await this.#output.held;
    }
    if (rest !== "") this.#onLine(rest, link);
    const isSettled = await link.settled(replyMs);
    link.quit();
    if (!isSettled) {
      throw new TimeoutError("reply", `The server did not acknowledge everything within ${formatDuration(replyMs)}`);
    }
  }

  #onLine(line: string, link: ChatLink): void {
    if (line.trim() === "") return;
    if (this.#isJson) return this.#sendJson(line, link);
    const room = this.#room;
    const typed = readTyped(line, room);
    if (typed.kind === "say" && room !== undefined) link.publish({ room, text: typed.text, action: typed.action });
    else if (typed.kind === "join") link.join(this.#room = typed.room);
    else if (typed.kind === "request") {
      link.request(typed.request);
      // Without another room the server rejects what follows.
      if (typed.request.type === "leave") this.#room = link.currentRoom ?? room;
    } else if (typed.kind === "quit") link.quit();
    else throw new UsageError(typed.kind === "wrong" ? typed.text : `cannot send "${line}"`);
  }

  /** The server validates the fields; only those needed for retries are checked here. */
  #sendJson(line: string, link: ChatLink): void {
    const request = parseJson(line);
    if (!isRecord(request)) {
      throw new UsageError(`Cannot send "${line.slice(0, 80)}": it is not a JSON object`);
    }
    const { type, room, text, action, id } = request;
    if (
      type === "publish" && typeof room === "string" && typeof text === "string" && Object.keys(request).length <= 5
    ) {
      const publish = { room, text, ...(action === true ? { action: true as const } : {}) };
      return link.publish(publish, typeof id === "string" ? id : undefined);
    }
    link.request(request as unknown as Request);
  }
}
