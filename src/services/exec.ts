import { DEFAULTS } from "../base/defaults.ts";
import { UsageError } from "../base/errors.ts";
import { defineService } from "./service.ts";

/** Lower than for other services, because processes cost more than connections. */
const MAX_PROGRAMS = 256;

/** Runs a program for each client, or one for all clients, connected to its standard input and output. */
export const exec = defineService({
  endpoints: ["tcp://127.0.0.1:8888"],
  framing: ({ shared }) => shared ? "line" : "raw",
  maxMessageBytes: DEFAULTS.messageBytes,
  takesProgram: true,
  sharesState: true,
  maxConnections: MAX_PROGRAMS,
  flags: {
    shared: { type: "boolean", help: "run one program for all clients: its output goes to every client" },
    binary: { type: "boolean", help: "over WebSocket, send raw bytes instead of one line per message" },
    timeout: { type: "duration", help: "end a program that runs for longer than TIME" },
    finishTimeout: {
      type: "duration",
      default: "60s",
      help: "once the client has half-closed, end a program that writes nothing for TIME; with --shared, the client",
    },
    killAfter: {
      type: "duration",
      default: "5s",
      help: "once the client is gone, wait TIME for the program, then TIME between SIGTERM and SIGKILL",
    },
  },
  notes: [
    "No shell is involved: for one, write -- sh -c '...'. Bytes are passed on unchanged; over WebSocket each message is a",
    "line of input and each line of output a message, unless --framing is given. The environment describes the client",
    "(REMOTE_ADDR, REMOTE_PORT; for a WebSocket the variables of CGI, RFC 3875). Standard error and the exit status go to",
    "the log. By default at most 256 programs run at once (--max-connections).",
    "",
  ].join("\n"),
  examples: [
    { words: "exec ws://:8080 -- ./count.sh", does: "each line of output is a WebSocket message" },
    { words: "exec --shared ws://:8080 -- tail -f app.log", does: "one program, its output sent to every client" },
  ],
  async create(flags, { log, codec, program = [] }) {
    await assertRunnable(program);
    const options = {
      words: program,
      codec,
      isBinary: flags.binary,
      timeoutMs: flags.timeout,
      finishTimeoutMs: flags.finishTimeout,
      killAfterMs: flags.killAfter,
    };
    if (flags.shared) {
      if (flags.timeout !== undefined) throw new UsageError("--shared and --timeout cannot be combined");
      const { SharedProgram } = await import("./exec/shared_program.ts");
      return new SharedProgram(options, log);
    }
    const { ClientProgram } = await import("./exec/client_program.ts");
    return { serve: (session) => new ClientProgram(session, options).run() };
  },
});

/** Looks the program up as execvp(3) does; exits with the status of a shell that cannot run a command. */
const FIND_PROGRAM = `case $1 in
*/*) test -e "$1" || exit 127; test -x "$1" && test ! -d "$1" || exit 126 ;;
*) command -v -- "$1" || exit 127 ;;
esac`;

/** Reports a wrong program at the start instead of with the first client. */
async function assertRunnable([program = ""]: readonly string[]): Promise<void> {
  const { cannotRun, requestRun } = await import("../process/spawn.ts");
  requestRun(program);
  // With a permission for the program alone, the shell cannot run, and the first client finds the error.
  const mayRunShell = Deno.permissions.querySync({ name: "run", command: "sh" }).state === "granted";
  if (Deno.build.os === "windows" || !mayRunShell) return;
  const { code } = await new Deno.Command("sh", { args: ["-c", FIND_PROGRAM, "sh", program], stdin: "null" }).output();
  if (code === 127) throw new UsageError(cannotRun(program, "no such command"));
  if (code === 126) throw new UsageError(cannotRun(program, "it is not executable"));
}
