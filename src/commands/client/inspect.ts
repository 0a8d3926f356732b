import { toJsonLine } from "../../base/bytes.ts";
import { type Attempt, PermissionError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { print } from "../../cli/print.ts";
import { connect } from "../../factory.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { resolve, type ResolvedAddress } from "../../net/resolve.ts";
import { openSocketOptions, type SocketOptionsAccess } from "../../net/sockopt/socket_options.ts";
import { configureProgramLogging, streamLogFlags } from "../program_logging.ts";
import { SOCKET_FLAGS, socketOptionsOf } from "../socket_flags.ts";
import { endpointArgument } from "../arguments.ts";
import { CONNECTION_FLAGS, rejectInapplicableFlags } from "./client_flags.ts";
import { type Inspection, inspectionObject, inspectionText } from "./inspect/report.ts";
import { START_TLS_FLAGS, TLS_FLAGS, tlsConnectOptions, tlsEndpoint } from "./tls_flags.ts";
import { readsProxyVariables, ROUTE_FLAGS, routeConnectOptions } from "./route_flags.ts";

const FLAGS = {
  ...SOCKET_FLAGS,
  json: { type: "boolean", help: "print one JSON object" },
  explain: { type: "boolean", help: "explain each step on a socket, for newcomers" },
  connectTimeout: CONNECTION_FLAGS.connectTimeout,
  ...TLS_FLAGS,
  ...ROUTE_FLAGS,
  ...START_TLS_FLAGS,
  ...streamLogFlags("warning"),
} as const satisfies FlagTable;

/** `parley-client inspect`. */
export const inspectCommand = defineCommand({
  usage: "ENDPOINT",
  examples: [
    { words: "inspect tcp://127.0.0.1:8888 --receive-buffer 64KiB --json", does: "show the effective buffer size" },
    { words: "inspect tls://127.0.0.1:8443 --explain", does: "explain each step on the socket" },
  ],
  flags: FLAGS,
  readsEnvironment: readsProxyVariables,
  notes: "Socket options and the round trip require --allow-ffi, on Linux and macOS; without it they are omitted.",
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    const endpoint = tlsEndpoint(parseEndpoint(endpointArgument(args)), flags);
    rejectInapplicableFlags(given, [endpoint]);
    using stop = io.stop.listen();
    const inspection = await inspect(endpoint, flags, stop.signal);
    await print(io, flags.json ? toJsonLine(inspectionObject(inspection)) : inspectionText(inspection));
    return EXIT.done;
  },
});

/** Everything but socket options and the round trip can be reported without the C library. */
function openIfPermitted(): SocketOptionsAccess | undefined {
  try {
    return openSocketOptions();
  } catch (error) {
    if (error instanceof PermissionError) return undefined;
    throw error;
  }
}

async function inspect(endpoint: Endpoint, flags: FlagValues<typeof FLAGS>, signal: AbortSignal): Promise<Inspection> {
  const wanted = socketOptionsOf(flags);
  // Before connecting, so that a missing permission is reported first.
  using access = wanted === undefined ? openIfPermitted() : openSocketOptions();
  const addresses: ResolvedAddress[] = isHostEndpoint(endpoint) ? await resolve(endpoint.host, { signal }) : [];
  const failed: Attempt[] = [];
  await using connection = await connect(endpoint, {
    context: "inspect",
    signal,
    connectTimeout: flags.connectTimeout,
    onAttemptFailed: (attempt) => failed.push(attempt),
    ...await tlsConnectOptions(flags),
    ...await routeConnectOptions(flags),
  });
  const before = access?.get(connection);
  if (wanted !== undefined) access?.set(connection, wanted);
  return {
    endpoint: formatEndpoint(endpoint),
    addresses,
    failed,
    local: connection.local,
    remote: connection.remote,
    options: before && access && { before, wanted, now: access.get(connection) },
    tcp: isHostEndpoint(endpoint) ? access?.tcpInfo(connection) : undefined,
    tls: connection.tls,
  };
}
