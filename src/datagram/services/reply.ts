import { parseHex, unescape } from "../../base/bytes.ts";
import { messageOf, UsageError } from "../../base/errors.ts";
import { defineDatagramService } from "../service.ts";

/** Sends the same answer to every datagram. */
export const reply = defineDatagramService({
  name: "reply",
  summary: "send the same answer to each datagram",
  flags: {
    text: { type: "text", allowsEmpty: true, help: "answer of reply; \\n, \\t, \\xHH and other C escapes are known" },
    hex: { type: "text", placeholder: "HEX", help: "answer of reply in hexadecimal" },
    file: { type: "text", placeholder: "FILE", help: "answer of reply: what FILE holds" },
  },
  async create({ text, hex, file }) {
    const given = [text, hex, file].filter((source) => source !== undefined);
    if (given.length !== 1) throw new UsageError("reply takes one of --text, --hex and --file");
    const answer = text !== undefined
      ? unescape(text)
      : hex !== undefined
      ? parseHex(hex)
      : await readAnswer(file ?? "");
    return { onDatagram: () => answer };
  },
});

async function readAnswer(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new UsageError(`Cannot read the file of --file: ${messageOf(error)}`, { cause: error });
  }
}
