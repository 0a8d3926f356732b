import { parseHex, unescape } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { readNamedBytes } from "../../base/read_named_file.ts";
import { defineDatagramService } from "../service.ts";

/** Sends a canned reply to each datagram. */
export const reply = defineDatagramService({
  name: "reply",
  summary: "send the same reply to each datagram",
  flags: {
    text: { type: "text", allowsEmpty: true, help: "the reply; \\n, \\t, \\xHH and other C escapes are interpreted" },
    hex: { type: "text", placeholder: "HEX", help: "the reply in hexadecimal" },
    file: { type: "text", placeholder: "FILE", help: "read the reply from FILE" },
  },
  async create({ text, hex, file }) {
    const given = [text, hex, file].filter((source) => source !== undefined);
    if (given.length !== 1) throw new UsageError("reply needs exactly one of --text, --hex and --file");
    const answer = text !== undefined
      ? unescape(text)
      : hex !== undefined
      ? parseHex(hex)
      : await readNamedBytes(file ?? "", "the reply of --file");
    return { onDatagram: () => answer };
  },
});
