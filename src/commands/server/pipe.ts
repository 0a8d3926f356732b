import { DEFAULTS } from "../../base/defaults.ts";
import { ClosedEarlyError, messageOf, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { Input, ProgramIo } from "../../cli/io.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { abortable } from "../../net/wait.ts";
import type { Service } from "../../server/service.ts";
import type { NamedService } from "../../services/service.ts";
import type { Session } from "../../session/session.ts";
import { leave } from "../../websocket/close_frame.ts";
import { rejectCrLf, talk, TALK_FLAGS } from "../client/connect/talk.ts";
import { CLIENT_LIMITS } from "../client/dial.ts";
import { OutputFile } from "../output_file.ts";
import { serve } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";

// Flags that do not apply, because there is one client at a time and standard output belongs to it.
const { workers: _workers, maxConnections: _max, exitAfter: _exitAfter, printEndpoint: _print, ...LISTEN_FLAGS } =
  SHARED_FLAGS;

const FLAGS = {
  keep: { type: "boolean", help: "serve another client after one has ended" },
  waitReply: {
    type: "duration",
    help: "after one side ends, wait TIME after the last byte (default: no limit for the client, 5s for more input)",
  },
  ...TALK_FLAGS,
  ...LISTEN_FLAGS,
} as const satisfies FlagTable;

type PipeFlags = FlagValues<typeof FLAGS>;

const INPUT_BYTES = 64 * 1_024;

/** `parley-server pipe`. */
export const pipeCommand = defineCommand({
  usage: "[ENDPOINT]",
  examples: [
    { words: "pipe :9000 < file", does: "send a file to the first client" },
    { words: "pipe ws://:9000", does: "interact with a page in a browser" },
  ],
  flags: FLAGS,
  notes: [
    "Without an ENDPOINT it listens on tcp://127.0.0.1:8888. It serves one client and exits; with --keep the next",
    "client waits until then, and SIGTERM ends the program once its client has finished, at most --drain-timeout",
    "later. The exit codes are those of parley-client connect.",
    "The end of input half-closes; the client may continue. Over WebSocket, which has no half-close, the end of",
    "input closes it once the client has sent nothing for --wait-reply (5s).",
  ].join("\n"),
  async run({ flags, args, io }) {
    if (args.length > 1) throw new UsageError(`unexpected argument "${args[1]}"; pipe takes one endpoint`);
    const [endpoint = "tcp://127.0.0.1:8888"] = args;
    if (flags.crlf) rejectCrLf(flags, parseEndpoint(endpoint));
    using file = flags.record === undefined ? undefined : OutputFile.open(flags.record, "the recording");
    using stop = io.stop.listen();
    const service = new PipeService(flags, io, { file, stop: stop.signal });
    const named: NamedService = {
      name: "pipe",
      endpoints: [endpoint],
      maxMessageBytes: CLIENT_LIMITS.maxMessage,
      flags: {},
      framing: () => "raw",
      create: () => service,
    };
    const limits = { workers: 1, maxConnections: 1, exitAfter: flags.keep ? undefined : 1, printEndpoint: false };
    // The pipe detects stalls and idle clients itself, and ignores delays caused by a slow stdout.
    const serveFlags = { ...flags, ...limits, writeTimeout: 365 * 24 * 3_600_000, idleTimeout: undefined };
    await serve(named, serveFlags, [endpoint], io, { slot: { index: 0, count: 1, stop: service.stop } });
    return service.exitCode();
  },
});

/** Joins clients to standard input and output, one after the other. */
class PipeService implements Service {
  readonly #flags: PipeFlags;
  readonly #io: ProgramIo;
  readonly #file: OutputFile | undefined;
  readonly #stopped: AbortSignal;
  readonly #left = new AbortController();
  readonly #input: KeptInput;
  #code: number | undefined;
  #failure: unknown;

  constructor(flags: PipeFlags, io: ProgramIo, { file, stop }: { file: OutputFile | undefined; stop: AbortSignal }) {
    this.#flags = flags;
    this.#io = io;
    this.#file = file;
    this.#stopped = stop;
    this.#input = new KeptInput(io.stdin);
  }

  /** Whether a stop lets the client finish: with --keep, as for other servers, unless someone is typing. */
  get #drains(): boolean {
    return this.#flags.keep && !this.#io.stdin.isTerminal;
  }

  /** Aborts when there is no more client to serve. */
  get stop(): AbortSignal {
    return AbortSignal.any([this.#stopped, this.#left.signal]);
  }

  /**
   * The exit code when the server has ended.
   *
   * @throws The error of the client, or of the wait for it.
   */
  exitCode(): number {
    if (this.#flags.keep) return this.#code ?? EXIT.done;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#code !== undefined) return this.#code;
    if (this.#stopped.aborted) throw this.#stopped.reason;
    throw new ClosedEarlyError("the client closed the connection before it was served");
  }

  drain(): boolean {
    return this.#drains;
  }

  async serve(session: Session): Promise<void> {
    const ended = new AbortController();
    const { waitReply } = this.#flags;
    const stdin = this.#flags.keep ? this.#input.until(ended.signal) : this.#io.stdin;
    try {
      const code = await talk(session, this.#flags, {
        io: { ...this.#io, stdin },
        file: this.#file,
        role: "server",
        waitReplyMs: waitReply ?? (session.kind === "websocket" ? DEFAULTS.replyTimeoutMs : Infinity),
        waitInputMs: waitReply ?? DEFAULTS.replyTimeoutMs,
        idleMs: this.#flags.idleTimeout,
        // A WebSocket has no half-close: a client that has ended takes no more input.
        isInputKept: this.#flags.keep && session.kind === "websocket",
        signal: this.#drains ? closedByDrain(session) : this.#stopped,
      });
      if (code === EXIT.done) this.#code ??= code;
      else {
        // Ctrl-C, which is a key in raw mode.
        this.#code = code;
        this.#left.abort();
      }
    } catch (error) {
      this.#failure = error;
      if (this.#flags.keep && !this.#stopped.aborted) session.log.warning("failed", { error: messageOf(error) });
    } finally {
      ended.abort(new Error("the client has ended"));
      await leave(session);
    }
  }
}

/** Aborts when the drain closes the session, so that there is no wait for its input. */
function closedByDrain(session: Session): AbortSignal {
  const closed = new AbortController();
  void session.closed.then((reason) => reason === "drain" && closed.abort(new Error("the drain timed out")));
  return closed.signal;
}

/** Standard input for consecutive clients: input read after one has ended goes to the next. */
class KeptInput {
  readonly #input: Input;
  readonly #buffer = new Uint8Array(INPUT_BYTES);
  #reading: Promise<number | null> | undefined;

  constructor(input: Input) {
    this.#input = input;
  }

  until(signal: AbortSignal): Input {
    return {
      isTerminal: this.#input.isTerminal,
      setRaw: (isRaw) => this.#input.setRaw(isRaw),
      read: (bytes) => this.#read(bytes, signal),
    };
  }

  async #read(bytes: Uint8Array, signal: AbortSignal): Promise<number | null> {
    this.#reading ??= this.#input.read(this.#buffer.subarray(0, bytes.length));
    const count = await abortable(this.#reading, { signal });
    if (count === null) return null;
    this.#reading = undefined;
    bytes.set(this.#buffer.subarray(0, count));
    return count;
  }
}
