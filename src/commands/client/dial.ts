import { utf8 } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { type Codec, parseFraming } from "../../framing/mod.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { dial as dialSession, type DialOptions } from "../../dial.ts";
import type { CloseFrame } from "../../session/close_code.ts";
import type { Session } from "../../session/session.ts";
import { SOCKET_FLAGS, socketOptionsOf } from "../socket_flags.ts";
import { CONNECTION_FLAGS } from "./client_flags.ts";
import { HANDSHAKE_FLAGS, handshakeHeaders } from "./handshake_flags.ts";
import { ROUTE_FLAGS, routeConnectOptions } from "./route_flags.ts";
import { START_TLS_FLAGS, TLS_FLAGS, tlsConnectOptions, tlsEndpoint } from "./tls_flags.ts";

/** Maximum bytes of a received message; other servers may send longer lines than Parley's accept. */
const MESSAGE_BYTES = 64 * 1024 * 1024;

/** Input from the user is limited by memory only. */
export const CLIENT_LIMITS = { outboxBytes: Number.MAX_SAFE_INTEGER, maxMessage: MESSAGE_BYTES } as const;

/** A common limit for redirects. */
const MAX_REDIRECTS = 5;

/** Flags of commands that open a session with a server. */
export const DIAL_FLAGS = {
  ...TLS_FLAGS,
  ...START_TLS_FLAGS,
  ...ROUTE_FLAGS,
  ...inGroup("WebSocket", {
    subprotocol: { type: "text", repeat: true, placeholder: "NAME", help: "offer a WebSocket subprotocol" },
    origin: { type: "text", placeholder: "URL", help: "send an Origin header, as a browser does" },
    ...HANDSHAKE_FLAGS,
    close: { type: "text", placeholder: "'CODE [TEXT]'", help: "close with this code (1000-1014, 3000-4999) and text" },
    follow: { type: "boolean", help: `follow up to ${MAX_REDIRECTS} redirects` },
    compress: { type: "boolean", help: "offer to compress messages (permessage-deflate)" },
  }),
  ...SOCKET_FLAGS,
  ...CONNECTION_FLAGS,
} as const satisfies FlagTable;

/** Flags of commands that send the user's messages. */
export const MESSAGE_TYPE_FLAGS = inGroup(
  "WebSocket",
  {
    text: { type: "boolean", help: "send text messages" },
    binary: { type: "boolean", help: "send binary messages" },
  } as const satisfies FlagTable,
);

/**
 * Whether messages are sent as text; `undefined` leaves it to the kind of input.
 *
 * @throws {UsageError} Both types are requested.
 */
export function messageType({ text, binary }: FlagValues<typeof MESSAGE_TYPE_FLAGS>): boolean | undefined {
  if (text && binary) throw new UsageError("--text and --binary cannot be combined");
  return text || (binary ? false : undefined);
}

/** Values of {@linkcode DIAL_FLAGS} that say how to connect. */
export type DialFlags =
  & Omit<FlagValues<typeof DIAL_FLAGS>, "logLevel" | "logFormat" | keyof typeof SOCKET_FLAGS>
  & Partial<FlagValues<typeof SOCKET_FLAGS>>;

/** Opens a session over any transport according to the flags. */
export async function dial(endpoint: string, flags: DialFlags, options: DialOptions): Promise<Session> {
  const target = tlsEndpoint(parseEndpoint(endpoint), flags);
  return await dialSession(target, { framing: codecOf(flags), ...await dialOptionsOf(flags), ...options });
}

/** Dial options from the flags. */
async function dialOptionsOf(flags: DialFlags): Promise<DialOptions> {
  return {
    connectTimeout: flags.connectTimeout,
    socketOptions: socketOptionsOf(flags),
    ...CLIENT_LIMITS,
    ...await tlsConnectOptions(flags),
    ...await routeConnectOptions(flags),
    ...(flags.subprotocol.length > 0 ? { subprotocols: flags.subprotocol } : {}),
    ...(flags.origin === undefined ? {} : { origin: flags.origin }),
    headers: await handshakeHeaders(flags),
    compresses: flags.compress,
    ...(flags.close === undefined ? {} : { closeFrame: closeFrameOf(flags.close) }),
    maxRedirects: flags.follow ? MAX_REDIRECTS : 0,
  };
}

/** Close codes that an application may send (RFC 6455, section 7.4). */
function closeFrameOf(text: string): CloseFrame {
  const [, digits = "", reason = ""] = /^(\d{4})(?: (.*))?$/s.exec(text) ?? [];
  const code = Number(digits);
  const isAllowed = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code) || code >= 3000 && code <= 4999;
  if (!isAllowed) {
    throw new UsageError(`--close: Cannot use "${text}": expected a code such as 1000 or 4000, and an optional text`);
  }
  if (utf8(reason).length > 123) throw new UsageError("--close: the text is longer than 123 bytes");
  return { code, text: reason };
}

/** Whether messages are printed as lines: with a framing, and over WebSocket unless `--framing raw` is given. */
export function isByLine(session: Pick<Session, "kind">, { framing }: Pick<DialFlags, "framing">): boolean {
  return framing === undefined ? session.kind === "websocket" : framing !== "raw";
}

/** The framing from the flags. */
export function codecOf({ framing = "raw" }: { readonly framing?: string | undefined }): Codec {
  return parseFraming(framing, { maxBytes: MESSAGE_BYTES });
}
