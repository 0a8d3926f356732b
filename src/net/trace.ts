import { hexDump } from "../base/bytes.ts";
import type { Logger } from "../log/logger.ts";
import type { Transport } from "./transport.ts";

/** Bytes of one read or write that are shown; the rest is only counted. */
const DUMP_BYTES = 4_096;

/**
 * The transport, with a line in the log for each step and a hex dump of what
 * comes (`<`) and goes (`>`). It is put between only where lines of level
 * `trace` go anywhere, so that nobody else pays for it.
 */
export function traced(transport: Transport, log: () => Logger): Transport {
  return {
    async read(bytes) {
      const count = await stepOf("read", () => transport.read(bytes), log);
      if (count === null) log().trace("< end", { step: "end" });
      else dump("<", bytes.subarray(0, count), log());
      return count;
    },
    async write(bytes) {
      const count = await stepOf("write", () => transport.write(bytes), log);
      dump(">", bytes.subarray(0, count), log());
      return count;
    },
    async closeWrite() {
      await stepOf("end our side", () => transport.closeWrite(), log);
      log().trace("> end", { step: "half-close" });
    },
    close() {
      log().trace("close", { step: "close" });
      transport.close();
    },
    reset() {
      log().trace("reset", { step: "reset" });
      if (transport.reset !== undefined) return transport.reset();
      transport.close();
      return false;
    },
  };
}

async function stepOf<T>(name: string, step: () => Promise<T>, log: () => Logger): Promise<T> {
  try {
    return await step();
  } catch (error) {
    log().trace(`${name} failed`, { error: String(error) });
    throw error;
  }
}

function dump(arrow: "<" | ">", bytes: Uint8Array, log: Logger): void {
  log.trace(`${arrow} ${bytes.length} bytes`, { step: arrow === "<" ? "receive" : "send" });
  for (const line of hexDump(bytes.subarray(0, DUMP_BYTES))) log.trace(`${arrow} ${line}`);
  if (bytes.length > DUMP_BYTES) log.trace(`${arrow} ${bytes.length - DUMP_BYTES} bytes more`);
}
