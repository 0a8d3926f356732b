import { DEFAULTS } from "../../base/defaults.ts";
import { orUsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { JSON_SUBPROTOCOL } from "../../chat/event_format.ts";
import { checkRoom, LOBBY } from "../../chat/names.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { readPassword } from "../../cli/read_password.ts";
import { parseFraming } from "../../framing/mod.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { dial } from "../../dial.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { endpointArgument } from "../arguments.ts";
import { ChatLink, type ChatLinkOptions } from "./chat/link.ts";
import { ChatScreen } from "./chat/on_terminal.ts";
import { ChatPipe } from "./chat/through_pipe.ts";
import { CONNECTION_FLAGS, rejectInapplicableFlags } from "./client_flags.ts";
import { HANDSHAKE_FLAGS, handshakeHeaders, readsVariables } from "./handshake_flags.ts";
import { TLS_FLAGS, tlsConnectOptions } from "./tls_flags.ts";
import { ROUTE_FLAGS, routeConnectOptions } from "./route_flags.ts";

const { framing: _framing, ...CONNECTION } = CONNECTION_FLAGS;
const { alpn: _alpn, ...TLS } = TLS_FLAGS;

/** Maximum bytes of a line from the server; a member list can be long. */
const LINE_BYTES = 16 * 1024 * 1024;

const FLAGS = {
  nick: { type: "text", placeholder: "NAME", help: "your name (default: the server picks one)" },
  room: {
    type: "text",
    repeat: true,
    placeholder: "ROOM",
    help: `join ROOM (default ${LOBBY}); the first is current`,
  },
  login: {
    type: "text",
    placeholder: "NAME",
    help: "log in as NAME; prompts for the password",
  },
  json: { type: "boolean", help: "for bots: one JSON object per line, in and out" },
  reconnect: { type: "duration", default: "5m", help: "reconnect for up to TIME" },
  waitReply: {
    type: "duration",
    default: formatDuration(DEFAULTS.replyTimeoutMs),
    help: "maximum time for the greeting and the last acknowledgement",
  },
  ...CONNECTION,
  ...TLS,
  ...ROUTE_FLAGS,
  ...inGroup("WebSocket", HANDSHAKE_FLAGS),
} as const satisfies FlagTable;

/** `parley-client chat`. */
export const chatCommand = defineCommand({
  usage: "ENDPOINT",
  examples: [
    { words: "chat ws://127.0.0.1:8765/ --room dev", does: "over WebSocket, in #dev" },
    {
      words: "chat :8028 --nick ci --room builds <<< 'build 214 is green'",
      does: "send one message; exit 0 once it is stored",
    },
    { words: "chat :8028 --json", does: "for bots: events on stdout, requests on stdin" },
  ],
  flags: FLAGS,
  readsEnvironment: readsVariables,
  notes: "After a lost connection it reconnects and resumes every room: no message is missed or sent twice.",
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    const endpoint = endpointArgument(args);
    rejectInapplicableFlags(given, [parseEndpoint(endpoint)]);
    const options = await linkOptions(endpoint, flags, io);
    if (io.stdin.isTerminal && io.stdout.isTerminal && !flags.json) {
      using screen = new ChatScreen(io);
      const link = new ChatLink({
        ...options,
        onEvent: (event) => screen.show(event),
        onStatus: (text) => screen.showStatus(text),
      });
      return await screen.talk(link, flags.waitReply);
    }
    const pipe = new ChatPipe(io, { isJson: flags.json });
    const link = new ChatLink({
      ...options,
      onEvent: (event) => pipe.show(event),
      onStatus: (text) => pipe.showStatus(text),
    });
    await pipe.talk(link, flags.waitReply);
    return pipe.hasRefusal ? EXIT.unexpected : EXIT.done;
  },
});

async function linkOptions(
  endpoint: string,
  flags: FlagValues<typeof FLAGS>,
  io: ProgramIo,
): Promise<Omit<ChatLinkOptions, "onEvent" | "onStatus">> {
  const parsed = parseEndpoint(endpoint);
  const headers = await handshakeHeaders(flags);
  const connectOptions = { ...await tlsConnectOptions({ ...flags, alpn: [] }), ...await routeConnectOptions(flags) };
  const login = flags.login === undefined
    ? undefined
    : { name: flags.login, password: await readPassword(io, `Password of ${flags.login}: `) };
  return {
    dial: () =>
      dial(parsed, {
        framing: parseFraming("line", { maxBytes: LINE_BYTES }),
        context: "chat",
        connectTimeout: flags.connectTimeout,
        subprotocols: [JSON_SUBPROTOCOL],
        headers,
        ...connectOptions,
      }),
    rooms: (flags.room.length > 0 ? flags.room : [LOBBY]).map((room) =>
      orUsageError(() => checkRoom(room), "--room: ")
    ),
    nick: flags.nick,
    login,
    reconnectMs: flags.reconnect,
    greetingMs: flags.waitReply,
  };
}
