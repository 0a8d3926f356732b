import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { readNamedFile } from "../../src/base/read_named_file.ts";

async function read(...bytes: (string | number)[]): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    const parts = bytes.map((part) => typeof part === "string" ? new TextEncoder().encode(part) : Uint8Array.of(part));
    await Deno.writeFile(file, Uint8Array.from(parts.flatMap((part) => [...part])));
    return await readNamedFile(file, "the list");
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("readNamedFile() rejects a file that is not UTF-8 and names the line (fault 50)", async () => {
  const cases: [bytes: (string | number)[], line: number][] = [
    [[0xff], 1],
    [["one\ntw", 0xe9, "\nthree"], 2],
    [["one\ntwo\n", 0x80], 3],
    // A sequence that a line end, or the end of the file, cuts off.
    [["one\n", 0xe2, 0x82, "\nthree"], 2],
    [["one\n", 0xf0, 0x9f, 0x98], 2],
    // A surrogate, an overlong form, and UTF-16.
    [["one\n\n", 0xed, 0xa0, 0x80], 3],
    [[0xc0, 0xaf, "\n"], 1],
    [[0xff, 0xfe, "t", 0, "\n", 0], 1],
  ];
  for (const [bytes, line] of cases) {
    await assertRejects(() => read(...bytes), UsageError, `: line ${line} is not UTF-8`);
  }
});

Deno.test("readNamedFile() takes every UTF-8 text, and drops a byte order mark", async () => {
  assertEquals(await read("gr\u00fc\u00dfe \ud83d\ude00\n"), "gr\u00fc\u00dfe \ud83d\ude00\n");
  assertEquals(await read("\ufefftests"), "tests");
  assertEquals(await read(""), "");
});
