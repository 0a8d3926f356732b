import { messageOf, PermissionError } from "../base/errors.ts";
import type { ProgramIo } from "../cli/io.ts";

/** Says where clients can connect, now that they can: on standard output, in a file. */
export async function announceReady(
  endpoints: readonly string[],
  flags: { printEndpoint: boolean; readyFile: string | undefined },
  io: ProgramIo,
): Promise<void> {
  const text = endpoints.map((endpoint) => `${endpoint}\n`).join("");
  if (flags.printEndpoint) io.stdout.write(text);
  if (flags.readyFile === undefined) return;
  await writeReadyFile(flags.readyFile, text);
}

/** Renamed into place: who sees the file sees all of it. */
async function writeReadyFile(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  try {
    await Deno.writeTextFile(draft, text);
    await Deno.rename(draft, path);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotCapable
      ? `run again with --allow-read=${draft} --allow-write=${path},${draft}`
      : messageOf(cause);
    throw new PermissionError(`Cannot write the ready file ${path}: ${why}`, { cause });
  }
}
