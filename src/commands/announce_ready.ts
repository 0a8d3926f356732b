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
  // Renamed into place: who sees the file sees all of it.
  const draft = `${flags.readyFile}.draft`;
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, flags.readyFile);
}
