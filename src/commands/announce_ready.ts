import type { ProgramIo } from "../cli/io.ts";
import { OutputFile } from "./output_file.ts";

/**
 * The file of `--ready-file`: exists from {@linkcode announceReady} until disposal. Opened before anything can fail, so
 * that a failed start does not leave the file of an earlier run.
 */
export function openReadyFile(path: string | undefined): OutputFile | undefined {
  return path === undefined ? undefined : OutputFile.open(path, "the ready file", { isTemporary: true });
}

/**
 * Announces the endpoints once clients can connect. The ready file contains only the endpoints of the service, standard
 * output also the URL of its metrics.
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
