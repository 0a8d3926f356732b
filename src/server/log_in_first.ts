import { concat, NO_BYTES, utf8 } from "../base/bytes.ts";
import { TimeoutError } from "../base/errors.ts";
import type { Authenticator, Identity } from "../guard/authenticator.ts";
import type { Connection } from "../net/connection.ts";
import { isHostEndpoint } from "../net/endpoint.ts";
import { Deadline } from "../net/deadline.ts";
import { SessionDecorator } from "../session/session_decorator.ts";
import type { Message, Session } from "../session/session.ts";
import type { Service } from "./service.ts";

/** Options of {@linkcode logInFirst}. */
interface LogInOptions {
  readonly authenticator: Authenticator;
  /** Whether messages are chunks of a raw stream; the login is then its first line. */
  readonly isRaw: boolean;
  /** Time limit for the login, including its check, in milliseconds. */
  readonly timeoutMs: number;
}

const LF = 0x0a;
const MAX_LINE_BYTES = 1_024;
const LOG_IN = /^\/login ([^\s:]+) (.+)$/su;

/**
 * Wraps a service so that it requires a login: a client's first message must be `/login NAME PASSWORD`. The reply is a
 * line that starts with `* `, or with `! ` before the connection is closed.
 */
export function logInFirst(service: Service, options: LogInOptions): Required<Service> {
  return {
    subprotocols: service.subprotocols,
    routes: service.routes,
    resetsConnections: service.resetsConnections,
    get fault() {
      return service.fault;
    },
    async serve(session: Session, connection: Connection): Promise<void> {
      if (session.identity !== undefined) return await service.serve(session, connection);
      const opened = await readLogIn(session, options);
      if (opened === null) return;
      const { identity, rest } = opened;
      if (identity === undefined) {
        session.log.warning("log-in failed", { name: opened.name, address: addressOf(session) });
        const wrong = opened.name === undefined ? "log in first: /login NAME PASSWORD" : "wrong name or password";
        answer(session, options.isRaw, `! ${wrong}`);
        return await session.finish("denied");
      }
      session.log.info("logged in", { name: identity.name });
      answer(session, options.isRaw, `* logged in as ${identity.name}`);
      await service.serve(new LoggedInSession(session, identity, rest), connection);
    },
    listening: (endpoints) => service.listening?.(endpoints),
    drain: () => service.drain?.(),
    assertPassed: () => service.assertPassed?.(),
    [Symbol.asyncDispose]: async () => await service[Symbol.asyncDispose]?.(),
  };
}

/** The first line, and the bytes after it. */
interface LogIn {
  readonly name: string | undefined;
  readonly identity: Identity | undefined;
  readonly rest: readonly Message[];
}

async function readLogIn(session: Session, options: LogInOptions): Promise<LogIn | null> {
  const { timeoutMs } = options;
  try {
    const first = await readFirst(session, options.isRaw && session.kind === "stream", timeoutMs);
    if (first === null) return null;
    const [, name, password] = LOG_IN.exec(first.line) ?? [];
    const isAsked = name !== undefined && password !== undefined;
    const identity = isAsked ? await options.authenticator.verify(name, password, addressOf(session)) : undefined;
    return { name, identity, rest: first.rest };
  } catch (error) {
    if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
    answer(session, options.isRaw, "! login timed out");
    await session.finish("log-in timeout");
    return null;
  }
}

/** The first message as text without its line end, and copies of the messages received with it. */
async function readFirst(
  session: Session,
  isRaw: boolean,
  timeoutMs: number,
): Promise<{ line: string; rest: readonly Message[] } | null> {
  const deadline = new Deadline(timeoutMs);
  let bytes = NO_BYTES;
  for (;;) {
    const batch = await session.receive(deadline.wait());
    const [first, ...others] = batch ?? [];
    if (first === undefined) return null;
    bytes = concat([bytes, first.data]);
    const end = bytes.indexOf(LF);
    if (isRaw && end === -1 && bytes.length <= MAX_LINE_BYTES) continue;
    const line = new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end)).trimEnd();
    const tail = end === -1 || end + 1 === bytes.length ? [] : [{ data: bytes.slice(end + 1), isText: first.isText }];
    return { line, rest: [...tail, ...others.map(({ data, isText }) => ({ data: data.slice(), isText }))] };
  }
}

function answer(session: Session, isRaw: boolean, line: string): void {
  session.send(isRaw && session.kind === "stream" ? utf8(`${line}\n`) : line, true);
}

function addressOf({ remote }: Session): string {
  return isHostEndpoint(remote) ? remote.host : "unix";
}

/** Has the client's identity, and first returns the messages that were read during the login. */
class LoggedInSession extends SessionDecorator {
  readonly #identity: Identity;

  constructor(inner: Session, identity: Identity, rest: readonly Message[]) {
    super(inner);
    this.#identity = identity;
    this.unreceive(rest);
  }

  override get identity(): Identity {
    return this.#identity;
  }
}
