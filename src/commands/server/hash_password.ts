import { orUsageError, UsageError } from "../../base/errors.ts";
import { defineCommand } from "../../cli/command.ts";
import { print } from "../../cli/print.ts";
import { readPassword } from "../../cli/read_password.ts";
import { checkNick } from "../../chat/names.ts";
import { hashPassword } from "../../guard/password_hash.ts";

/** `parley-server hash-password`: a line for the file of `--auth`. */
export const hashPasswordCommand = defineCommand({
  usage: "[NAME]",
  examples: [
    { words: "hash-password bob --role operator < secret", does: "the first line of a file is the password" },
  ],
  flags: {
    role: { type: "text", repeat: true, placeholder: "ROLE", help: "grant a role: operator, or operator:#ROOM" },
  },
  notes: "Without a NAME it prints only the hash. The hash is salted scrypt (RFC 7914).",
  async run({ flags, args, io }) {
    const [given, ...rest] = args;
    if (rest.length > 0) throw new UsageError("expected one NAME");
    // Normalizes the name like the chat; a name that the chat rejects would be useless.
    const name = given === undefined
      ? undefined
      : orUsageError(() => checkNick(given), `Cannot use "${given.slice(0, 64)}" as a name: `);
    const wrongRole = flags.role.find((role) => !/^[\w-]+(?::#[^\s,:]+)?$/.test(role));
    if (wrongRole !== undefined) {
      throw new UsageError(`Cannot use "${wrongRole}" as a role: expected one word, or operator:#ROOM`);
    }
    const password = await readPassword(io, "Password: ");
    if (io.stdin.isTerminal && await readPassword(io, "Again: ") !== password) {
      throw new UsageError("the two passwords differ");
    }
    const hash = await hashPassword(password);
    const roles = flags.role.length === 0 ? "" : `:${flags.role.join(",")}`;
    await print(io, name === undefined ? `${hash}\n` : `${name}:${hash}${roles}\n`);
    return 0;
  },
});
