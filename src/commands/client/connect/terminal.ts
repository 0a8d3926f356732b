import { utf8 } from "../../../base/bytes.ts";
import { FrameError, messageOf, ResetError, TimeoutError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { LineEditor } from "../../../cli/line_editor.ts";
import { Prompt } from "../../../cli/prompt.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import { abortable } from "../../../net/wait.ts";
import type { Message, Session } from "../../../session/session.ts";
import { abnormalClose, closeFrameText } from "../../../websocket/close_frame.ts";
import type { Outgoing } from "./input.ts";
import { idleTimeout, ProgressWatch } from "./progress_watch.ts";

/** Options of an interactive session. */
interface TerminalOptions {
  /** Converts a line to a message. */
  readonly messageOf: (line: Uint8Array) => Outgoing;
  /** Formats a message. */
  readonly show: (message: Message) => string;
  /** Time limit for the peer's end after this side's, in milliseconds. */
  readonly waitReplyMs: number;
  /** See `PipeOptions`. */
  readonly idleMs?: number | undefined;
  readonly onSent?: ((message: Outgoing) => void) | undefined;
  readonly onReceived?: ((message: Message) => void) | undefined;
  readonly onEnd?: ((side: "own" | "peer") => void) | undefined;
}

/** Time limit for the peer's end after `quit`. */
const QUIT_MS = 1_000;

/**
 * Sends typed lines and prints received data above the edited line. `quit` ends the session; Ctrl-D half-closes and
 * waits for the peer's end; Ctrl-C exits immediately. Returns the exit code.
 *
 * @throws {TimeoutError} The peer did not end in time after Ctrl-D, or nothing was sent or received for `idleMs`.
 * @throws {ResetError} The peer reset the connection.
 */
export async function runTerminal(
  session: Session,
  io: ProgramIo,
  options: TerminalOptions,
  stop: AbortSignal,
): Promise<number> {
  const editor = new LineEditor({ prompt: "> " });
  using prompt = new Prompt(io, editor);
  prompt.print(`connected to ${formatEndpoint(session.remote)}; quit or Ctrl-D ends\n`);
  const { idleMs = Infinity } = options;
  const idle = Promise.withResolvers<never>();
  idle.promise.catch(() => {});
  using watch = new ProgressWatch({
    waitMs: { end: Infinity, input: Infinity, idle: idleMs },
    stallMs: Infinity,
    queuedBytes: () => session.queuedBytes,
    onExpired: () => idle.reject(idleTimeout(session.remote, idleMs)),
  });
  const received = receiveAll(session, prompt, options, watch);
  received.catch(() => {});
  for (;;) {
    const event = await abortable(Promise.race([prompt.next(), received, idle.promise]), { signal: stop });
    if (event === undefined) {
      const abnormal = abnormalClose(session);
      if (abnormal !== undefined) throw abnormal;
      prompt.print(`${formatEndpoint(session.remote)} closed the connection${closeFrameText(session)}\n`);
      return EXIT.done;
    }
    switch (event.kind) {
      case "interrupt":
        return EXIT.interrupted;
      case "end":
        await end(session, prompt, options, received, stop);
        return EXIT.done;
      case "line":
        if (event.text === "quit") {
          await quit(session, options, received, stop);
          return EXIT.done;
        }
        send(session, prompt, options, event.text);
        watch.touch();
    }
  }
}

async function receiveAll(
  session: Session,
  prompt: Prompt,
  options: TerminalOptions,
  watch: ProgressWatch,
): Promise<undefined> {
  for (let batch = await session.receive(); batch; batch = await session.receive()) {
    watch.touch();
    for (const message of batch) {
      options.onReceived?.(message);
      prompt.print(options.show(message));
    }
  }
  options.onEnd?.("peer");
  return undefined;
}

function send(session: Session, prompt: Prompt, options: TerminalOptions, text: string): void {
  try {
    const message = options.messageOf(utf8(text));
    session.send(message.data, message.isText);
    options.onSent?.(message);
  } catch (error) {
    // For example invalid hexadecimal, or a line that the framing cannot encode; the next one may be valid.
    if (!(error instanceof SyntaxError || error instanceof FrameError)) throw error;
    prompt.print(`! ${messageOf(error)}\n`);
  }
}

async function end(
  session: Session,
  prompt: Prompt,
  options: TerminalOptions,
  received: Promise<undefined>,
  stop: AbortSignal,
): Promise<void> {
  options.onEnd?.("own");
  if (!await session.closeWrite()) return await session.finish();
  const endpoint = formatEndpoint(session.remote);
  const within = formatDuration(options.waitReplyMs);
  const hint = setTimeout(() => prompt.print(`waiting up to ${within} for the server to close; Ctrl-C exits\n`), 500);
  try {
    const left = (async () => {
      for (;;) if ((await prompt.next()).kind === "interrupt") return;
    })();
    await abortable(
      Promise.race([received, left]),
      { timeout: options.waitReplyMs, signal: stop },
      () => new TimeoutError("reply", `${endpoint} did not close the connection within ${within}`, { endpoint }),
    );
  } finally {
    clearTimeout(hint);
    session.close("done");
  }
}

async function quit(
  session: Session,
  options: TerminalOptions,
  received: Promise<undefined>,
  stop: AbortSignal,
): Promise<void> {
  options.onEnd?.("own");
  if (!await session.closeWrite()) return await session.finish();
  try {
    const timeout = Math.min(QUIT_MS, options.waitReplyMs);
    await abortable(received, { timeout, signal: stop }, () => new StillOpen());
  } catch (error) {
    if (!(error instanceof StillOpen || error instanceof ResetError)) throw error;
  }
  session.close("done");
}

/** The peer did not end in time, which is not an error after `quit`. */
class StillOpen extends Error {}
