import type { ChatEvent } from "../../../chat/event.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { LineEditor } from "../../../cli/line_editor.ts";
import { Prompt } from "../../../cli/prompt.ts";
import { KnownNames } from "./known_names.ts";
import type { ChatLink } from "./link.ts";
import { showEvent } from "./show_event.ts";
import { readTyped, TYPED_COMMANDS } from "./typed_line.ts";

/** The interactive chat: an input line, with messages above it. */
export class ChatScreen implements Disposable {
  readonly #io: ProgramIo;
  readonly #names = new KnownNames();
  readonly #editor = new LineEditor({
    prompt: "> ",
    complete: (before) => this.#names.complete(before, this.#link?.currentRoom),
  });
  #prompt: Prompt | undefined;
  #link: ChatLink | undefined;

  constructor(io: ProgramIo) {
    this.#io = io;
  }

  /** Shows an event above the line. */
  show(event: ChatEvent): void {
    this.#names.onEvent(event);
    this.#showState();
    const { currentRoom, nick } = this.#link ?? {};
    this.#print(showEvent(event, { color: this.#io.mayColor, currentRoom, nick }));
  }

  /** Shows a message about the connection. */
  showStatus(text: string): void {
    this.#showState();
    this.#print([`* ${text}`]);
  }

  /** Reads lines until the user or the link ends it; waits up to `byeMs` for the goodbye. Returns the exit code. */
  async talk(link: ChatLink, byeMs: number): Promise<number> {
    this.#link = link;
    const running = link.run();
    await Promise.race([link.ready, running]);
    this.#showState();
    const prompt = this.#prompt = new Prompt(this.#io, this.#editor, {
      takesPastes: true,
      // Own messages are shown when the server sends them back.
      keeps: (line) => !link.isOnline || readTyped(line, link.currentRoom).kind !== "say",
    });
    const ended = running.then(() => ({ kind: "ended" as const }));
    ended.catch(() => {});
    for (;;) {
      const event = await Promise.race([prompt.next(), ended]);
      if (event.kind === "line") this.#onText(event.text, link, byeMs);
      else if (event.kind === "interrupt") {
        link.quit(0);
        this.#showUnsent(link);
        return EXIT.interrupted;
      } else if (event.kind !== "clear screen") break;
    }
    link.quit(byeMs);
    await running;
    this.#showUnsent(link);
    return link.unsent === 0 ? EXIT.done : EXIT.unexpected;
  }

  /** Restores the terminal. */
  [Symbol.dispose](): void {
    this.#prompt?.[Symbol.dispose]();
    this.#prompt = undefined;
  }

  #showUnsent({ unsent }: ChatLink): void {
    if (unsent > 0) this.#print([`! ${unsent} ${unsent === 1 ? "message was" : "messages were"} not sent`]);
  }

  #showState(): void {
    const { currentRoom = "", isOnline = true } = this.#link ?? {};
    this.#editor.prompt = `${currentRoom}${isOnline ? "" : " (offline)"}> `;
  }

  /** Several lines were pasted: one message, or a sequence of commands. */
  #onText(text: string, link: ChatLink, byeMs: number): void {
    if (!text.startsWith("/")) return this.#onLine(text, link, byeMs);
    for (const line of text.split("\n")) this.#onLine(line, link, byeMs);
  }

  #onLine(line: string, link: ChatLink, byeMs: number): void {
    const room = link.currentRoom;
    const typed = readTyped(line, room);
    switch (typed.kind) {
      case "nothing":
        return;
      case "say":
        if (room === undefined) return this.#print(["! You are not in a room: /join #lobby"]);
        return link.publish({ room, text: typed.text, action: typed.action });
      case "join":
      case "request": {
        const isSent = typed.kind === "join" ? link.join(typed.room) : link.request(typed.request);
        this.#showState();
        this.#prompt?.refresh();
        return isSent ? undefined : this.#print(["! Not connected; the message was not sent"]);
      }
      case "quit":
        return link.quit(byeMs);
      case "help":
        return this.#print(helpLines());
      case "wrong":
        return this.#print([`! ${typed.text}`]);
    }
  }

  #print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${line}\n`).join("");
    if (this.#prompt) this.#prompt.print(text);
    else this.#io.stdout.write(text);
  }
}

function helpLines(): string[] {
  const rows = TYPED_COMMANDS.map(({ name, usage, summary }) => [`/${name} ${usage}`.trimEnd(), summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
