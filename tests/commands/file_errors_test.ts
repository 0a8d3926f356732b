import { assertEquals, assertMatch } from "@std/assert";
import { missingPermission } from "../../src/base/errors.ts";
import { openError } from "../../src/chat/sqlite_open_error.ts";
import { exitCodeOf } from "../../src/cli/exit_codes.ts";
import { OutputFile } from "../../src/commands/output_file.ts";
import { readNamedBytes } from "../../src/base/read_named_file.ts";
import { toSocketError } from "../../src/net/socket_error.ts";
import { chat } from "../../src/services/chat.ts";
import { Logger } from "../../src/log/logger.ts";

/** Replaces functions of the runtime with ones that fail, until disposed of: a test may run as root, to whom all is open. */
function failing(names: readonly ("readFile" | "lstatSync")[], error: Error): Disposable {
  const owner = new DisposableStack();
  for (const name of names) {
    const original = Deno[name];
    const fail = () => {
      if (name === "lstatSync") throw error;
      return Promise.reject(error);
    };
    Object.defineProperty(Deno, name, { value: fail, configurable: true, writable: true });
    owner.defer(() => Object.defineProperty(Deno, name, { value: original, configurable: true, writable: true }));
  }
  return owner;
}

/** Every way to name a file on the command line, and what each makes of an error. */
const WAYS: Readonly<Record<string, (cause: Error) => Promise<unknown>>> = {
  "a file that is read": () => readNamedBytes("file", "the certificate"),
  "the message of the day": () => makeChat("file"),
  "a report": async () => await Promise.resolve().then(() => OutputFile.open("file", "the report")),
  "the history": (cause) => Promise.reject(openError("file", cause)),
};

async function makeChat(motd: string): Promise<void> {
  await chat.create({ motd, messageBurst: 5 }, { log: Logger.of("test"), logInTimeoutMs: 1_000 });
}

const CAUSES: readonly (readonly [Error, number])[] = [
  [new Deno.errors.PermissionDenied("Permission denied (os error 13): open 'file'"), 8],
  [new Deno.errors.NotCapable('Requires read access to "file", run again with the --allow-read flag'), 8],
  [new Deno.errors.NotADirectory("Not a directory (os error 20): open 'file'"), 2],
  [Object.assign(new Deno.errors.IsADirectory("Is a directory (os error 21): open 'file'"), { code: "EISDIR" }), 2],
];

for (const [cause, code] of CAUSES) {
  Deno.test(`${cause.name} ends with exit code ${code}, whichever flag names the file (fault 66)`, async () => {
    if (cause.name === "NotADirectory") Object.assign(cause, { code: "ENOTDIR" });
    using _ = failing(["readFile", "lstatSync"], cause);
    for (const [way, use] of Object.entries(WAYS)) {
      const error = await use(cause).then(() => undefined, (error: unknown) => error);
      assertEquals([way, exitCodeOf(error)], [way, code], String(error));
      assertMatch(String(error), /^(?!.*os error)/);
    }
  });
}

Deno.test("a folder that is missing for a Unix socket is not a refused connection (fault 66)", () => {
  const causes = [
    new Deno.errors.NotFound("No such file or directory (os error 2)"),
    Object.assign(new Deno.errors.NotADirectory("Not a directory (os error 20): lstat '/a/b'"), { code: "ENOTDIR" }),
  ];
  for (const cause of causes) {
    for (const doing of ["listen on", "bind"]) {
      const error = toSocketError(cause, doing, "unix:/a/b");
      assertEquals([doing, exitCodeOf(error)], [doing, 8]);
    }
  }
  assertEquals(exitCodeOf(toSocketError(causes[0], "connect to", "unix:/a/b")), 4);
});

Deno.test("missingPermission() advises no flag that a compiled program cannot take (fault 66)", () => {
  assertEquals(missingPermission("--allow-ffi", false), "run again with --allow-ffi");
  assertEquals(
    missingPermission("--allow-ffi", true),
    "this compiled program runs without --allow-ffi; run the bundle with it",
  );
});

Deno.test("toSocketError() finds the flag in the words of a compiled program too (fault 66)", () => {
  const cause = new Deno.errors.NotCapable(
    'Requires ffi access to "libc.so.6", specify the required permissions during compilation using `deno compile --allow-ffi`',
  );
  const { message } = toSocketError(cause, "open", "the C library");
  assertEquals(message, "Cannot open the C library: run again with --allow-ffi=libc.so.6");
});
