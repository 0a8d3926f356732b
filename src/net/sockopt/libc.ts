/**
 * C library calls that Deno's API lacks, through `Deno.dlopen`.
 *
 * @module
 */

import { PermissionError } from "../../base/errors.ts";
import { toSocketError } from "../socket_error.ts";

const CALLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dup: { parameters: ["i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getdtablesize: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C library, open until disposed. */
export interface Libc extends Disposable {
  /** The functions; each returns -1 on failure. */
  readonly calls: Deno.DynamicLibrary<typeof CALLS>["symbols"];
}

/** Full paths, because the runtime would search the current directory, where anyone may have put a file. */
export function libcPaths({ os, arch }: Pick<typeof Deno.build, "os" | "arch"> = Deno.build): readonly string[] {
  if (os === "darwin") return ["/usr/lib/libSystem.B.dylib"];
  return [`/lib/${arch}-linux-gnu/libc.so.6`, "/lib64/libc.so.6", "/usr/lib/libc.so.6"];
}

/** Opens the C library if already permitted, without a prompt; `undefined` otherwise, or if it is not found. */
export function openLibcIfPermitted(): Libc | undefined {
  for (const path of libcPaths()) {
    if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") continue;
    try {
      return open(path);
    } catch {
      // Each system keeps it at one of these paths only.
    }
  }
  return undefined;
}

function open(path: string): Libc {
  const library = Deno.dlopen(path, CALLS);
  return { calls: library.symbols, [Symbol.dispose]: () => library.close() };
}

/**
 * Opens the C library.
 *
 * @throws {PermissionError} `--allow-ffi` is missing, or the system is neither Linux nor macOS.
 */
export function openLibc(): Libc {
  const { os } = Deno.build;
  if (os !== "linux" && os !== "darwin") {
    throw new PermissionError(`Cannot reach socket options on ${os}: only Linux and macOS are supported`);
  }
  let failure: unknown;
  for (const path of libcPaths()) {
    try {
      return open(path);
    } catch (error) {
      // A missing permission is more informative than a missing file.
      if (!(failure instanceof Deno.errors.NotCapable)) failure = error;
    }
  }
  throw toSocketError(failure, "open", "the C library for socket options");
}
