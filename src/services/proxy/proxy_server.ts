import { concat, NO_BYTES } from "../../base/bytes.ts";
import {
  FrameError,
  hasCode,
  messageOf,
  ParleyError,
  RefusedError,
  ResolveError,
  TimeoutError,
} from "../../base/errors.ts";
import { splitHostPort, targetAddress } from "../../base/ip.ts";
import { connect } from "../../factory.ts";
import {
  encodeSocksRequest,
  parseSocksGreeting,
  parseSocksLogIn,
  parseSocksRequest,
  SOCKS_COMMAND,
  SOCKS_METHOD,
  SOCKS_REPLY,
  type SocksAddress,
} from "../../framing/socks.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import { parseAuthorization } from "../../http/authorization.ts";
import { HttpError, HttpHeadReader, parseRequestHead } from "../../http/head.ts";
import { encodeHead, encodeResponse, errorResponse } from "../../http/response.ts";
import type { Logger } from "../../log/logger.ts";
import type { Connection } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import { type Endpoint, formatHostPort, isHostEndpoint } from "../../net/endpoint.ts";
import type { Parsed } from "../../net/handshake_reader.ts";
import { lingeringClose } from "../../net/lingering_close.ts";
import { isReachedBy } from "../../net/own_address.ts";
import { pipe } from "../../net/pipe.ts";
import { resolve } from "../../net/resolve.ts";
import type { Service } from "../../server/service.ts";
import type { Session } from "../../session/session.ts";
import { TargetList } from "./target_list.ts";
import { UdpAssociation } from "./udp_association.ts";

const SOCKS5 = 5;
/** How long a rejected client may take to read the reason. */
const LINGER_MS = 1_000;
const NOWHERE = { host: "0.0.0.0", port: 0 } as const;

/** Options of {@linkcode ProxyServer}. */
export interface ProxyServerOptions {
  /** Allowed targets, see `TargetList`. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Maximum time to connect to a target. */
  readonly connectTimeoutMs: number;
  /** Maximum time for the client's request, with its login. */
  readonly handshakeTimeoutMs: number;
  /** Maximum UDP associations at a time. */
  readonly maxAssociations: number;
  /** Checks logins; without it, no login is required. */
  readonly authenticator?: Authenticator | undefined;
  readonly log: Logger;
}

/** Why a request is rejected, in both protocols. */
class RejectionError extends ParleyError {
  override name = "RejectionError";
  readonly socksCode: number;
  readonly status: number;
  /** Error type for `Proxy-Status` (RFC 9209, section 2.3). */
  readonly type: string;

  constructor(socksCode: number, status: number, type: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.socksCode = socksCode;
    this.status = status;
    this.type = type;
  }
}

/** Connects clients to the targets that they name, by SOCKS 5 or HTTP CONNECT on one port. */
export class ProxyServer implements Service {
  readonly #options: ProxyServerOptions;
  readonly #targets: TargetList;
  #own: readonly Endpoint[] = [];
  #associations = 0;

  constructor(options: ProxyServerOptions) {
    this.#options = options;
    this.#targets = new TargetList(options);
  }

  listening(endpoints: readonly Endpoint[]): void {
    this.#own = endpoints;
  }

  async serve(session: Session, connection: Connection): Promise<void> {
    const reader = new MessageReader(connection, new Deadline(this.#options.handshakeTimeoutMs));
    let target: Connection | UdpAssociation | undefined;
    try {
      const first = await reader.read((bytes) => ({ value: bytes[0], length: 0 }));
      if (first === null) return;
      target = first.value === SOCKS5
        ? await this.#serveSocks(connection, reader)
        : await this.#serveHttp(connection, reader);
    } catch (error) {
      if (connection.closeReason !== undefined) return;
      if (!(error instanceof FrameError || error instanceof TimeoutError)) throw error;
      session.log.debug("rejected", { error: error.message });
      const reason = error instanceof TimeoutError ? "handshake timeout" : "bad message";
      return await lingeringClose(connection, { timeoutMs: LINGER_MS, reason });
    }
    if (target === undefined) return await lingeringClose(connection, { timeoutMs: LINGER_MS, reason: "denied" });
    await using forwarding = target;
    if (forwarding instanceof UdpAssociation) {
      session.note = `datagrams at ${formatHostPort(forwarding.relay.host, forwarding.relay.port)}`;
      return await forwarding.run();
    }
    session.note = `to ${formatHostPort(...endOf(forwarding))}`;
    await Promise.all([pipe(connection, forwarding), pipe(forwarding, connection)]);
  }

  /** Serves a SOCKS request (RFC 1928); `undefined` if it was rejected with a reply. */
  async #serveSocks(
    connection: Connection,
    reader: MessageReader,
  ): Promise<Connection | UdpAssociation | undefined> {
    const greeting = await reader.read(parseSocksGreeting);
    if (greeting === null) return undefined;
    const { authenticator } = this.#options;
    const method = authenticator === undefined ? SOCKS_METHOD.none : SOCKS_METHOD.password;
    const isOffered = greeting.methods.includes(method);
    await connection.write(Uint8Array.of(SOCKS5, isOffered ? method : SOCKS_METHOD.noneAcceptable));
    if (!isOffered) return undefined;
    if (authenticator !== undefined) {
      const logIn = await reader.read(parseSocksLogIn);
      const isKnown = logIn !== null && await this.#isKnown(connection, logIn.user, logIn.password);
      await connection.write(Uint8Array.of(1, isKnown ? 0 : 1));
      if (!isKnown) return undefined;
    }
    const request = await reader.read(parseSocksRequest);
    if (request === null) return undefined;
    const reply = (code: number, address: SocksAddress) => connection.write(encodeSocksRequest(code, address));
    if (request.code !== SOCKS_COMMAND.connect && request.code !== SOCKS_COMMAND.udpAssociate) {
      await reply(SOCKS_REPLY.commandNotSupported, NOWHERE);
      return undefined;
    }
    try {
      if (request.code === SOCKS_COMMAND.udpAssociate) {
        const association = await this.#associate(connection, request.address.port);
        return await answered(association, () => reply(SOCKS_REPLY.succeeded, association.relay));
      }
      const target = await this.#connect(request.address, connection.log);
      const [host, port] = endOf(target, "local");
      return await answered(target, () => reply(SOCKS_REPLY.succeeded, { host, port }));
    } catch (error) {
      if (!(error instanceof RejectionError)) throw error;
      await reply(error.socksCode, NOWHERE);
      return undefined;
    }
  }

  /** @param port The client's port for datagrams; 0 if it is not known yet. */
  async #associate(connection: Connection, port: number): Promise<UdpAssociation> {
    const { maxAssociations, connectTimeoutMs } = this.#options;
    const reject = (code: number, why: string, cause?: unknown) => {
      connection.log.warning("association rejected", { reason: why });
      return new RejectionError(code, 503, "proxy_internal_error", why, cause);
    };
    if (!isHostEndpoint(connection.remote)) {
      throw reject(SOCKS_REPLY.addressNotSupported, "a Unix socket has no address");
    }
    if (this.#associations >= maxAssociations) throw reject(SOCKS_REPLY.failure, "too many associations");
    this.#associations++;
    const onEnd = () => this.#associations--;
    const options = { targets: this.#targets, resolveTimeoutMs: connectTimeoutMs, port, onEnd };
    try {
      return await UdpAssociation.open(connection, options);
    } catch (error) {
      onEnd();
      throw reject(SOCKS_REPLY.failure, messageOf(error), error);
    }
  }

  /** Serves a CONNECT request (RFC 9110, section 9.3.6); `undefined` if it was rejected with a response. */
  async #serveHttp(connection: Connection, reader: MessageReader): Promise<Connection | undefined> {
    try {
      const request = await reader.read((bytes) => {
        const found = new HttpHeadReader().push(bytes);
        return found && { ...parseRequestHead(found.head), length: bytes.length - found.rest.length };
      });
      if (request === null) return undefined;
      if (request.method !== "CONNECT") {
        throw new HttpError(405, "this proxy supports only CONNECT", { Allow: "CONNECT" });
      }
      await this.#assertLoggedIn(connection, request.fields.get("proxy-authorization"));
      const target = await this.#connect(parseAuthority(request.path), connection.log);
      return await answered(target, () => connection.write(encodeHead("HTTP/1.1 200 Connection established", {})));
    } catch (error) {
      const rejection = error instanceof RejectionError
        ? new HttpError(error.status, error.message, { "Proxy-Status": `parley; error=${error.type}` })
        : error;
      if (!(rejection instanceof HttpError)) throw error;
      await connection.write(encodeResponse(errorResponse(rejection)));
      return undefined;
    }
  }

  async #assertLoggedIn(connection: Connection, credentials: string | undefined): Promise<void> {
    if (this.#options.authenticator === undefined) return;
    const given = parseAuthorization(credentials);
    if (given !== undefined && "user" in given && await this.#isKnown(connection, given.user, given.password)) return;
    throw new HttpError(407, "a user name and password are required", {
      "Proxy-Authenticate": 'Basic realm="proxy"',
    });
  }

  async #isKnown({ remote, log }: Connection, user: string, password: string): Promise<boolean> {
    const address = isHostEndpoint(remote) ? remote.host : "unix";
    const identity = await this.#options.authenticator?.verify(user, password, address);
    if (identity === undefined) log.warning("log-in failed", { name: user, address });
    return identity !== undefined;
  }

  /** Connects to a target. Every address is checked, since a name may resolve to any address. */
  async #connect({ host, port }: SocksAddress, log: Logger): Promise<Connection> {
    const text = formatHostPort(host, port);
    const { connectTimeoutMs } = this.#options;
    const deadline = new Deadline(connectTimeoutMs);
    let failure: unknown;
    const rejectTarget = (type = "destination_ip_prohibited", why = "is not allowed") => {
      log.warning("target not allowed", { target: text });
      return new RejectionError(SOCKS_REPLY.notAllowed, 403, type, `${text} ${why}`);
    };
    if (this.#targets.isDenied(host)) throw rejectTarget();
    try {
      const addresses = await resolve(host, { timeout: connectTimeoutMs });
      // The kernel connects 0.0.0.0 and :: to this machine.
      const allowed = addresses
        .map(({ address }) => targetAddress(address))
        .filter((address) => this.#targets.isAllowed(host, address));
      if (allowed.length === 0) throw rejectTarget();
      const targets = allowed.map((address) => ({ scheme: "tcp", host: address, port, path: "/" } as const));
      // Connections of the proxy to itself keep each other open after their client has left.
      if (targets.some((target) => this.#own.some((own) => isReachedBy(own, target)))) {
        throw rejectTarget("proxy_loop_detected", "is this proxy itself");
      }
      for (const target of targets) {
        try {
          return await connect(target, {
            context: "proxy",
            connectTimeout: deadline.remainingMs,
            writeTimeout: "365d",
          });
        } catch (error) {
          failure = error;
        }
      }
    } catch (error) {
      if (error instanceof RejectionError) throw error;
      failure = error;
    }
    log.info("target not reached", { target: text, error: messageOf(failure) });
    throw rejectionOf(text, failure);
  }
}

/** Sends the success reply, and disposes of the opened resource if the client has disconnected. */
async function answered<T extends AsyncDisposable>(opened: T, answer: () => Promise<void>): Promise<T> {
  await using owner = new AsyncDisposableStack();
  owner.use(opened);
  await answer();
  owner.move();
  return opened;
}

function rejectionOf(target: string, error: unknown): RejectionError {
  const reject = (socksCode: number, status: number, type: string) =>
    new RejectionError(socksCode, status, type, `${target}: ${messageOf(error)}`, error);
  if (error instanceof TimeoutError) return reject(SOCKS_REPLY.ttlExpired, 504, "connection_timeout");
  if (error instanceof ResolveError) return reject(SOCKS_REPLY.hostUnreachable, 502, "dns_error");
  if (!(error instanceof RefusedError)) return reject(SOCKS_REPLY.failure, 502, "destination_unavailable");
  if (hasCode(error, "ENETUNREACH")) return reject(SOCKS_REPLY.networkUnreachable, 502, "destination_ip_unroutable");
  if (hasCode(error, "EHOSTUNREACH")) return reject(SOCKS_REPLY.hostUnreachable, 502, "destination_ip_unroutable");
  return reject(SOCKS_REPLY.refused, 502, "connection_refused");
}

function endOf(connection: Connection, side: "local" | "remote" = "remote"): [host: string, port: number] {
  const end = connection[side];
  return isHostEndpoint(end) ? [end.host, end.port] : [NOWHERE.host, NOWHERE.port];
}

function parseAuthority(text: string): SocksAddress {
  const { host = "", port } = splitHostPort(text) ?? {};
  if (port === undefined) throw new HttpError(400, "the target of CONNECT is not HOST:PORT");
  return { host, port };
}

/** Reads the messages of a handshake; bytes that follow them remain unread. */
class MessageReader {
  readonly #connection: Connection;
  readonly #deadline: Deadline;

  constructor(connection: Connection, deadline: Deadline) {
    this.#connection = connection;
    this.#deadline = deadline;
  }

  /** The next message; `null` at the client's end. */
  async read<T extends Parsed>(parse: (bytes: Uint8Array) => T | undefined): Promise<T | null> {
    let bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
    for (;;) {
      const chunk = await this.#connection.read(this.#deadline.wait());
      if (chunk === null) return null;
      bytes = concat([bytes, chunk]);
      const parsed = parse(bytes);
      if (parsed === undefined) continue;
      this.#connection.unread(bytes.subarray(parsed.length));
      return parsed;
    }
  }
}
