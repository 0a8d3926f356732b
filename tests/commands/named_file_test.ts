import { assertEquals, assertThrows } from "@std/assert";
import { NoRoomError, UsageError } from "../../src/base/errors.ts";
import { NamedFile } from "../../src/commands/named_file.ts";

Deno.test("NamedFile.open() empties what an earlier run has left, and write() goes on after write()", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/report`;
    await Deno.writeTextFile(path, "of an earlier run");
    using file = NamedFile.open(path, "the report");
    assertEquals(await Deno.readTextFile(path), "");
    file.write("one ");
    file.write("two");
    assertEquals(await Deno.readTextFile(path), "one two");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("NamedFile.open() throws a UsageError when there is no such place", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const open = (path: string) => () => NamedFile.open(path, "the report");
    assertThrows(
      open(`${folder}/none/report`),
      UsageError,
      `the report ${folder}/none/report: there is no such folder`,
    );
    assertThrows(open(folder), UsageError, `Cannot write the report ${folder}: it is a directory`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("NamedFile.write() throws a NoRoomError when the disk is full", { ignore: Deno.build.os !== "linux" }, () => {
  using file = NamedFile.open("/dev/full", "the report");
  assertThrows(() => file.write("x"), NoRoomError, "Cannot write the report /dev/full: No space left");
});
