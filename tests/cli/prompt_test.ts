import { assertEquals } from "@std/assert";
import { LineEditor } from "../../src/cli/line_editor.ts";
import { Prompt } from "../../src/cli/prompt.ts";
import { FakeTerminal } from "../support/fake_terminal.ts";

/** A terminal whose size changes. */
class ResizableTerminal extends FakeTerminal {
  listeners = new Set<() => void>();

  onResize = (redraw: () => void): Disposable => {
    this.listeners.add(redraw);
    return { [Symbol.dispose]: () => void this.listeners.delete(redraw) };
  };

  /** Changes the size and discards the earlier output. */
  resize(columns: number): void {
    Object.assign(this.stdout, { columns });
    this.out = "";
    for (const redraw of this.listeners) redraw();
  }
}

/** A prompt with typed text. */
async function promptWith(terminal: FakeTerminal, text: string): Promise<Prompt> {
  const prompt = new Prompt(terminal, new LineEditor({ prompt: "> " }));
  void prompt.next();
  terminal.type(text);
  await terminal.shows(new RegExp(`${text.slice(-8)}\\r`));
  return prompt;
}

Deno.test("Prompt redraws its line when the terminal is resized (fault 59)", async () => {
  const terminal = new ResizableTerminal();
  using _prompt = await promptWith(terminal, "0123456789".repeat(3));
  terminal.resize(20);
  // The terminal has wrapped 32 cells into rows of 20; the cursor is in the second one.
  assertEquals(terminal.out, "\r\x1b[1A\x1b[J> 123456789\r\x1b[11C");
  terminal.resize(80);
  assertEquals(terminal.out, `\r\x1b[J> ${"0123456789".repeat(3)}\r\x1b[32C`);
});

Deno.test("Prompt erases its unterminated output at the new size (fault 59)", async () => {
  const terminal = new ResizableTerminal();
  using prompt = await promptWith(terminal, "hello typed");
  prompt.print("x".repeat(30));
  terminal.resize(20);
  assertEquals(terminal.out.startsWith("\r\x1b[2A\x1b[J"), true, JSON.stringify(terminal.out));
});

Deno.test("Prompt does not draw after it is disposed of (fault 59)", async () => {
  const terminal = new ResizableTerminal();
  {
    using _prompt = await promptWith(terminal, "hello typed");
    assertEquals(terminal.listeners.size, 1);
  }
  assertEquals(terminal.listeners.size, 0);
});
