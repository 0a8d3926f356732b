import { assertEquals } from "@std/assert";
import { KeyDecoder } from "../../src/cli/keys.ts";
import { LineEditor, type LineEvent } from "../../src/cli/line_editor.ts";

/** Passes terminal input to an editor; returns its events. */
function type(editor: LineEditor, text: string): LineEvent[] {
  return new KeyDecoder().push(new TextEncoder().encode(text)).flatMap((key) => editor.onKey(key) ?? []);
}

function edited(text: string): string {
  const editor = new LineEditor({ prompt: "> " });
  type(editor, text);
  return editor.text;
}

Deno.test("LineEditor returns each line once and starts an empty one", () => {
  const editor = new LineEditor({ prompt: "> " });
  assertEquals(type(editor, "one\rtwo\r\nthree"), [{ kind: "line", text: "one" }, { kind: "line", text: "two" }]);
  assertEquals(editor.text, "three");
});

Deno.test("LineEditor inserts and deletes at the cursor", () => {
  assertEquals(edited("ac\x1b[Db"), "abc");
  assertEquals(edited("abc\x7f\x7f"), "a");
  assertEquals(edited("abc\x1b[H\x1b[3~"), "bc");
  assertEquals(edited("abc\x01\x04x"), "xbc");
  assertEquals(edited("bc\x01a\x05d"), "abcd");
});

Deno.test("LineEditor moves and erases by words and to the ends", () => {
  assertEquals(edited("one two\x1b[1;5Dx"), "one xtwo");
  assertEquals(edited("one two\x01\x1b[1;5Cx"), "onex two");
  assertEquals(edited("one two \x17x"), "one x");
  assertEquals(edited("one two\x1b[1;5D\x15"), "two");
  assertEquals(edited("one two\x1b[1;5D\x0b"), "one ");
});

Deno.test("LineEditor treats a grapheme cluster as one character", () => {
  assertEquals(edited("a👩‍👩‍👧e\u0301\x7f\x7f"), "a");
  assertEquals(edited("👩‍👩‍👧b\x1b[D\x1b[Da"), "a👩‍👩‍👧b");
});

Deno.test("LineEditor keeps a history without repeats, and the unfinished line", () => {
  const editor = new LineEditor({ prompt: "", historyLines: 2 });
  type(editor, "one\rtwo\rtwo\rthree\rdraft");
  const seen = ["\x1b[A", "\x1b[A", "\x1b[A", "\x1b[B", "\x1b[B", "\x1b[B"].map((key) => {
    type(editor, key);
    return editor.text;
  });
  assertEquals(seen, ["three", "two", "two", "three", "draft", "draft"]);
});

Deno.test("LineEditor ends at Ctrl-D on an empty line only, and reports Ctrl-C", () => {
  const editor = new LineEditor({ prompt: "" });
  assertEquals(type(editor, "a\x04"), []);
  assertEquals(type(editor, "\x7f\x04"), [{ kind: "end" }]);
  assertEquals(type(editor, "a\x03"), [{ kind: "interrupt" }]);
});

Deno.test("LineEditor.render() places the cursor at the insertion point, also after wide characters", () => {
  const editor = new LineEditor({ prompt: "> " });
  type(editor, "日本\x1b[D");
  assertEquals(editor.render(80), { text: "> 日本", cursor: 4 });
});

Deno.test("LineEditor.render() shows the part around the cursor of a line that is too long", () => {
  const editor = new LineEditor({ prompt: "> " });
  type(editor, "0123456789abcdefghij");
  assertEquals(editor.render(13), { text: "> fghij", cursor: 7 });
  type(editor, "\x01");
  assertEquals(editor.render(13), { text: "> 0123456789", cursor: 2 });
});

Deno.test("KeyDecoder joins sequences that arrive in pieces, and ignores unknown ones", () => {
  const decoder = new KeyDecoder();
  const push = (...bytes: number[]) => decoder.push(Uint8Array.from(bytes));
  assertEquals(push(0x1b), []);
  assertEquals(push(0x5b), []);
  assertEquals(push(0x41), [{ name: "up" }]);
  assertEquals(push(0xc3), []);
  assertEquals(push(0xa4), [{ name: "text", text: "ä" }]);
  assertEquals(push(...new TextEncoder().encode("\x1b[99;9Zx\x00y")), [
    { name: "text", text: "x" },
    { name: "text", text: "y" },
  ]);
});

Deno.test("KeyDecoder treats pasted input as text, including line ends, however it is split", () => {
  const decoder = new KeyDecoder();
  const push = (text: string) => decoder.push(new TextEncoder().encode(text));
  assertEquals(push("a\x1b[200~one\r"), [{ name: "text", text: "a" }]);
  assertEquals(push("two\x1b[A\x03\x1b[20"), []);
  assertEquals(push("1~\r"), [{ name: "text", text: "one\ntwo[A" }, { name: "enter" }]);
});

Deno.test("LineEditor shows the line ends of pasted text, and returns it as one line", () => {
  const editor = new LineEditor({ prompt: "> " });
  type(editor, "\x1b[200~if (x) {\n  y();\n}\x1b[201~");
  assertEquals(editor.render(80), { text: "> if (x) {↵  y();↵}", cursor: 19 });
  assertEquals(type(editor, "\r"), [{ kind: "line", text: "if (x) {\n  y();\n}" }]);
});

Deno.test("LineEditor completes the text before the cursor on Tab if it has a completer", () => {
  const editor = new LineEditor({ prompt: "", complete: (before) => before === "an" ? "ann: " : undefined });
  type(editor, "an!\x1b[D\t\t");
  assertEquals([editor.text, editor.render(80).cursor], ["ann: !", 5]);
});
