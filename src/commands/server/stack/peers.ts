/**
 * Services of a stack that are separate commands elsewhere: relay and mock.
 *
 * @module
 */

import { UsageError } from "../../../base/errors.ts";
import { readNamedFile } from "../../../base/read_named_file.ts";
import type { ReloadSignal } from "../../../cli/reload_signal.ts";
import { parseFraming } from "../../../framing/mod.ts";
import { Logger } from "../../../log/logger.ts";
import { Resetter } from "../../../net/sockopt/resetter.ts";
import { readEnvironment } from "../../../script/file/variables.ts";
import { Mock } from "../../../script/mock/mock.ts";
import { parseMockFile } from "../../../script/mock/mock_file.ts";
import type { MockScript } from "../../../script/mock/mock_script.ts";
import { mockService } from "../../../script/mock/start_mock.ts";
import type { Service } from "../../../server/service.ts";
import { defineService, type ServiceEntry } from "../../../services/service.ts";
import type { OpenService, ServeFlags } from "../open_service.ts";
import { openRelay, RELAY_FLAGS, type RelayFlags, runUntil } from "../relay.ts";

const { config: _config, ...FLAGS_OF_RELAY } = RELAY_FLAGS;

const relay = defineService({
  endpoints: ["tcp://127.0.0.1:0"],
  framing: "raw",
  sharesState: true,
  flags: {
    target: {
      type: "text",
      placeholder: "TARGET",
      repeat: true,
      help: "where to forward connections: an endpoint, or a service of the stack",
    },
    ...FLAGS_OF_RELAY,
  },
  create: () => {
    throw new TypeError("Cannot serve a relay to sessions: openRelayOfStack() opens it");
  },
});

/** A relay as a service of a stack. */
export async function openRelayOfStack(
  name: string,
  flags: ServeFlags,
  { endpoints, targets, reload }: {
    endpoints: readonly string[];
    targets: readonly string[];
    reload: ReloadSignal;
  },
): Promise<OpenService> {
  const [listenOn = relay.endpoints[0], ...more] = endpoints;
  if (more.length > 0) throw new UsageError("a relay listens on one endpoint: add a second relay");
  if (targets.length === 0) throw new UsageError("no target");
  await using owner = new AsyncDisposableStack();
  // The flags were parsed with the table of a relay.
  const values = { ...flags, config: undefined } as unknown as RelayFlags;
  const opened = await openRelay(values, {
    listenOn,
    targets,
    context: name,
    reload,
    resetter: owner.use(Resetter.open()),
    owner,
  });
  if (opened.relay === undefined) throw new TypeError("Cannot open the relay: it has no endpoint");
  const { endpoint, stats } = opened.relay;
  if (opened.control?.url !== undefined) Logger.of(name).info(`control API on ${opened.control.url}`);
  const own = owner.move();
  return {
    endpoints: [endpoint],
    stats,
    seen: opened.control?.stats ?? stats,
    hasPage: false,
    controlUrl: opened.control?.url,
    run: (stop) => runUntil(stop, opened),
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

const mock = defineService({
  endpoints: ["tcp://127.0.0.1:0"],
  framing: "raw",
  sharesState: true,
  flags: {
    file: { type: "text", placeholder: "FILE", help: "the script, or a recording" },
    strict: { type: "boolean", help: "also fail for unused scripts and rules" },
    timed: { type: "boolean", help: "play a recording with its original pauses" },
  },
  async create(flags, { log, codec }): Promise<Service> {
    const { file } = flags;
    const script = await readMockScript(flags);
    if (script.framing !== undefined && parseFraming(script.framing).name !== codec?.name) {
      throw new UsageError(`${file} is for another framing: add framing: ${script.framing}`);
    }
    const mock = new Mock(script, {
      isStrict: flags.strict,
      onConnection: ({ name, error, details }) => {
        if (error === undefined) log.info(`${name}: passed`);
        else log.error([`${name}: ${error.message}`, ...details].join("\n  "));
      },
    });
    return { ...mockService(mock, script), assertPassed: () => mock.assertPassed() };
  },
});

/** The script of a mock in a stack. */
export async function readMockScript(
  { file, timed }: { readonly file?: string | undefined; readonly timed?: boolean },
): Promise<MockScript> {
  if (file === undefined) throw new UsageError("no file");
  const content = await readNamedFile(file, "the script");
  return parseMockFile(content, file, { env: readEnvironment, isTimed: timed ?? false }).script;
}

/** Registry entries of these services. */
export const PEERS: readonly ServiceEntry[] = [
  {
    name: "relay",
    summary: "forward connections to another server, optionally with faults",
    example: { words: "stack stack.yaml", does: "a relay among the services" },
    load: () => Promise.resolve(relay),
  },
  {
    name: "mock",
    summary: "play a script to each client",
    example: { words: "stack stack.yaml", does: "a mock among the services" },
    load: () => Promise.resolve(mock),
  },
];
