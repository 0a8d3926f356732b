/**
 * A file: `file:/run/app/ready`.
 *
 * Ready: it exists, is not empty, and its content is as expected. Not ready: otherwise.
 *
 * @module
 */

import { assertContent } from "./content.ts";
import { type Facts, notReady, type ProbeContext } from "./probe.ts";

/** Larger files are not searched. */
const MAX_BYTES = 1024 * 1024;

export async function probe({ target, expected, deadline }: ProbeContext): Promise<Facts> {
  deadline.wait().signal?.throwIfAborted();
  const path = target.path.startsWith("//") ? target.path.slice(2) : target.path;
  try {
    // Checked before the file is opened, because opening a FIFO blocks until it has a writer.
    const { size, isFile } = await Deno.stat(path);
    if (!isFile) throw notReady(target, "it is not a regular file");
    if (size === 0) throw notReady(target, "the file is empty");
    using file = await Deno.open(path);
    const bytes = new Uint8Array(Math.min(size, MAX_BYTES));
    const read = await file.read(bytes) ?? 0;
    assertContent(target, bytes.subarray(0, read), expected);
    return { bytes: size };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw notReady(target, "no such file", error);
    if (error instanceof Deno.errors.PermissionDenied) throw notReady(target, "permission denied", error);
    throw error;
  }
}
