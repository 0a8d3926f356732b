import { assert, assertEquals, assertThrows } from "@std/assert";
import { OutOfResourcesError, PermissionError, UsageError } from "../../src/base/errors.ts";
import { OutputFile } from "../../src/commands/output_file.ts";
import { withFolder } from "../support/temporary.ts";

const UNIX = { ignore: Deno.build.os === "windows" };
const LINUX = { ignore: Deno.build.os !== "linux" };

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("OutputFile.open() removes what an earlier run left (fault 21)", async () => {
  await withFolder((folder) => {
    const path = `${folder}/report`;
    Deno.writeTextFileSync(path, "of an earlier run");
    using _ = OutputFile.open(path, "the report");
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("OutputFile.write() shows the first text at once, and adds the next ones (fault 21)", async () => {
  await withFolder((folder) => {
    const path = `${folder}/report`;
    {
      using file = OutputFile.open(path, "the report");
      file.write("one ");
      assertEquals(Deno.readTextFileSync(path), "one ");
      file.write("two");
    }
    assertEquals(Deno.readTextFileSync(path), "one two");
    assertEquals(namesIn(folder), ["report"]);
  });
});

Deno.test("OutputFile.write() replaces the file and does not write into one that a reader has open (fault 21)", async () => {
  await withFolder((folder) => {
    const path = `${folder}/report`;
    Deno.writeTextFileSync(path, "old");
    using reader = Deno.openSync(path);
    using file = OutputFile.open(path, "the report");
    file.write("new");
    const bytes = new Uint8Array(8);
    assertEquals(new TextDecoder().decode(bytes.subarray(0, reader.readSync(bytes) ?? 0)), "old");
  });
});

Deno.test("OutputFile does not write through a link in the draft's place (fault 21)", UNIX, async () => {
  await withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/victim`, "untouched");
    Deno.symlinkSync(`${folder}/victim`, `${folder}/report.draft`);
    using file = OutputFile.open(`${folder}/report`, "the report");
    file.write("new");
    assertEquals(Deno.readTextFileSync(`${folder}/victim`), "untouched");
  });
});

Deno.test("OutputFile writes to the target of a link, which stays a link (fault 21)", UNIX, async () => {
  await withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/target`, "old");
    Deno.symlinkSync("target", `${folder}/report`);
    using file = OutputFile.open(`${folder}/report`, "the report");
    assert(!exists(`${folder}/target`));
    file.write("new");
    assertEquals(Deno.readTextFileSync(`${folder}/target`), "new");
    assert(Deno.lstatSync(`${folder}/report`).isSymlink);
  });
});

Deno.test("OutputFile writes to a device in place (fault 21)", LINUX, () => {
  using file = OutputFile.open("/dev/null", "the report");
  file.write("x");
  assert(Deno.statSync("/dev/null").isCharDevice);
});

Deno.test("OutputFile removes a temporary file at its end, also before anything was written (fault 21)", async () => {
  await withFolder((folder) => {
    const path = `${folder}/ready`;
    {
      using file = OutputFile.open(path, "the ready file", { isTemporary: true });
      file.write("one\n");
      assert(exists(path));
    }
    assertEquals(namesIn(folder), []);
    OutputFile.open(path, "the ready file", { isTemporary: true })[Symbol.dispose]();
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("OutputFile leaves a temporary file that another program has put in its place (fault 21)", async () => {
  await withFolder((folder) => {
    const path = `${folder}/ready`;
    {
      using older = OutputFile.open(path, "the ready file", { isTemporary: true });
      older.write("older\n");
      using newer = OutputFile.open(path, "the ready file");
      newer.write("newer\n");
    }
    assertEquals(Deno.readTextFileSync(path), "newer\n");
  });
});

Deno.test("OutputFile.open() throws a UsageError when the folder does not exist, and leaves nothing", async () => {
  await withFolder((folder) => {
    const open = (path: string) => () => OutputFile.open(path, "the report");
    assertThrows(open(`${folder}/none/report`), UsageError, `the report ${folder}/none/report: no such folder`);
    assertThrows(open(folder), UsageError, `Cannot write the report ${folder}: is a folder`);
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("OutputFile.open() throws a PermissionError when the folder cannot be written", {
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
}, async () => {
  await withFolder((folder) => {
    Deno.chmodSync(folder, 0o500);
    assertThrows(() => OutputFile.open(`${folder}/report`, "the report"), PermissionError, "Permission denied");
    Deno.chmodSync(folder, 0o700);
  });
});

Deno.test("OutputFile.write() throws a OutOfResourcesError when the disk is full", LINUX, () => {
  using file = OutputFile.open("/dev/full", "the report");
  assertThrows(() => file.write("x"), OutOfResourcesError, "Cannot write the report /dev/full: no space left");
});

Deno.test("OutputFile.write() shows the first text whole: a reader never sees a part of it", LINUX, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/ready`;
    const { promise: seen, resolve } = Promise.withResolvers<void>();
    const kinds: string[] = [];
    const watcher = Deno.watchFs(folder);
    const watching = (async () => {
      for await (const { kind, paths } of watcher) {
        if (paths.includes(path)) kinds.push(kind);
        if (paths.some((found) => found.endsWith("/end"))) resolve();
      }
    })();
    using file = OutputFile.open(path, "the ready file", { isTemporary: true });
    file.write("tcp://127.0.0.1:1\n");
    Deno.writeTextFileSync(`${folder}/end`, "");
    await seen;
    watcher.close();
    await watching;
    // Renamed into place: what is written under its own name can be read before it is complete.
    assertEquals(kinds.filter((kind) => kind === "modify" || kind === "create"), []);
    assert(kinds.includes("rename"), kinds.join());
  });
});

Deno.test("OutputFile.write() leaves no part of a text that did not fit on the disk", async () => {
  await withFolder((folder) => {
    const path = `${folder}/report`;
    using file = OutputFile.open(path, "the report");
    file.write("one ");
    const { writeSync } = Deno.FsFile.prototype;
    let room = 2;
    Deno.FsFile.prototype.writeSync = function (bytes) {
      if (room === 0) throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      const count = writeSync.call(this, bytes.subarray(0, room));
      room -= count;
      return count;
    };
    try {
      assertThrows(() => file.write("two"), OutOfResourcesError, `the report ${path}: no space left`);
    } finally {
      Deno.FsFile.prototype.writeSync = writeSync;
    }
    assertEquals(Deno.readTextFileSync(path), "one ");
    file.write("two");
    assertEquals(Deno.readTextFileSync(path), "one two");
  });
});
