import type { ProgramIo } from "../cli/io.ts";
import { PrintQueue } from "../cli/print.ts";
import { OutputFile } from "./output_file.ts";

/**
 * The file of `--ready-file`: exists from {@linkcode announceReady} until disposal. Opened before anything can fail, so
 * that a failed start does not leave the file of an earlier run.
 */
export function openReadyFile(path: string | undefined): OutputFile | undefined {
  return path === undefined ? undefined : OutputFile.open(path, "the ready file", { isTemporary: true });
}

/**
 * Announces the endpoints once clients can connect, and waits for the reader of standard output. The ready file
 * contains only the endpoints of the service, standard output also the URL of its metrics.
 */
export async function announceReady(
  endpoints: readonly string[],
  { printEndpoint, readyFile, metricsUrl, io }: {
    printEndpoint: boolean;
    readyFile: OutputFile | undefined;
    metricsUrl: string | undefined;
    io: ProgramIo;
  },
): Promise<void> {
  const text = endpoints.map((endpoint) => `${endpoint}\n`).join("");
  readyFile?.write(text);
  if (printEndpoint) await printServed(metricsUrl === undefined ? text : `${text}${metricsUrl}\n`, io);
}

/** Prints what a server announces. A signal ends the wait for the reader, but is not the server's failure. */
export async function printServed(text: string, io: ProgramIo): Promise<void> {
  const output = new PrintQueue(io);
  output.print(text);
  await output.end();
}
