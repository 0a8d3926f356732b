import type { ProgramIo } from "../cli/io.ts";
import { OutputFile } from "./output_file.ts";

/**
 * The file of `--ready-file`: absent until {@linkcode announceReady}, and again
 * once it is disposed of. Opened before anything can fail, so that a failed
 * start does not leave an earlier run's.
 */
export function openReadyFile(path: string | undefined): OutputFile | undefined {
  return path === undefined ? undefined : OutputFile.open(path, "the ready file", { isTemporary: true });
}

/**
 * Prints where clients can connect, now that they can. The ready file has only
 * the endpoints of the service; standard output also has the URL of its metrics.
 */
export function announceReady(
  endpoints: readonly string[],
  { printEndpoint, readyFile, metricsUrl, io }: {
    printEndpoint: boolean;
    readyFile: OutputFile | undefined;
    metricsUrl: string | undefined;
    io: ProgramIo;
  },
): void {
  const text = endpoints.map((endpoint) => `${endpoint}\n`).join("");
  if (printEndpoint) io.stdout.write(metricsUrl === undefined ? text : `${text}${metricsUrl}\n`);
  readyFile?.write(text);
}
