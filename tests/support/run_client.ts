import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { FakeIo } from "./fake_io.ts";

/** How `parley-client` ended, and what it wrote. */
interface ClientOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs `parley-client` in the test's own process. `input` is its standard
 * input: all of it, or a function that gives the next piece, `null` at the end.
 */
export async function runClient(
  args: readonly string[],
  input: string | (() => Promise<string | Uint8Array | null>) = "",
): Promise<ClientOutcome> {
  const pieces = typeof input === "string" && input !== "" ? [input] : [];
  const next = typeof input === "string" ? () => Promise.resolve(pieces.shift() ?? null) : input;
  const io = new FakeIo(async () => {
    const piece = await next();
    return typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
  });
  const code = await runProgram(clientProgram, args, io);
  return { code, stdout: io.out, stderr: io.err };
}
