import { CHAT_COMMANDS } from "../../../chat/commands/mod.ts";
import { LineEditor } from "../../../cli/line_editor.ts";
import { Prompt } from "../../../cli/prompt.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import type { ChatLink } from "./link.ts";
import { showEvent } from "./show_event.ts";
import { readTyped } from "./typed_line.ts";

/** Commands of the text wire that mean nothing here. */
const NOT_HERE = new Set(["login", "mode"]);

/** Someone at a terminal: a line to write in, and above it what is said. */
export class ChatScreen implements Disposable {
  readonly #io: ProgramIo;
  readonly #editor = new LineEditor({ prompt: "> " });
  #prompt: Prompt | undefined;
  #link: ChatLink | undefined;

  constructor(io: ProgramIo) {
    this.#io = io;
  }

  /** Shows an event above the line. */
  show(event: ChatEvent): void {
    const currentRoom = this.#link?.currentRoom;
    this.#editor.prompt = `${currentRoom ?? ""}> `;
    this.#print(showEvent(event, { color: this.#io.mayColor, currentRoom }));
  }

  /** Says something about the connection. */
  tell(text: string): void {
    this.#print([`* ${text}`]);
  }

  /** Reads lines until the person or the link ends it. */
  async talk(link: ChatLink): Promise<void> {
    this.#link = link;
    const running = link.run();
    await Promise.race([link.ready, running]);
    const prompt = this.#prompt = new Prompt(this.#io, this.#editor);
    this.#editor.prompt = `${link.currentRoom ?? ""}> `;
    const ended = running.then(() => ({ kind: "end" as const }));
    ended.catch(() => {});
    for (;;) {
      const event = await Promise.race([prompt.next(), ended]);
      if (event.kind === "line") this.#onLine(event.text, link);
      else if (event.kind !== "clear screen") break;
    }
    link.quit();
    await running;
  }

  /** Gives the terminal back. */
  [Symbol.dispose](): void {
    this.#prompt?.[Symbol.dispose]();
    this.#prompt = undefined;
  }

  #onLine(line: string, link: ChatLink): void {
    const room = link.currentRoom;
    const typed = readTyped(line, room);
    switch (typed.kind) {
      case "nothing":
        return;
      case "say":
        if (room === undefined) return this.tell("You are in no room: /join #lobby");
        return link.publish({ room, text: typed.text, action: typed.action });
      case "join":
        link.switchTo(typed.room);
        return this.#send(link, { type: "join", room: typed.room });
      case "request":
        return this.#send(link, typed.request);
      case "quit":
        return link.quit();
      case "help":
        return this.#print(helpLines());
      case "wrong":
        return this.#print([`! ${typed.text}`]);
    }
  }

  #send(link: ChatLink, request: Parameters<ChatLink["request"]>[0]): void {
    if (!link.request(request)) this.#print(["! There is no connection now; that was not sent"]);
  }

  #print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${line}\n`).join("");
    if (this.#prompt) this.#prompt.print(text);
    else this.#io.stdout.write(text);
  }
}

function helpLines(): string[] {
  const rows = CHAT_COMMANDS.filter(({ name }) => !NOT_HERE.has(name))
    .map(({ name, usage, summary }) => [`/${name} ${usage}`.trimEnd(), summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
