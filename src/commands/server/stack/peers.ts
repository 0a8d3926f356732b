/**
 * What a stack serves besides the services of `parley-server`: a relay and a
 * mock, which are commands of their own elsewhere.
 *
 * @module
 */

import { UsageError } from "../../../base/errors.ts";
import { readNamedFile } from "../../../base/read_named_file.ts";
import { parseFraming } from "../../../framing/mod.ts";
import { parseEndpoint } from "../../../net/endpoint.ts";
import { SYSTEM_CLOCK } from "../../../relay/faults/clock.ts";
import { assertUsable, randomSeed } from "../../../relay/relay.ts";
import { RelayService } from "../../../relay/relay_service.ts";
import { readEnvironment } from "../../../script/file/variables.ts";
import { Mock } from "../../../script/mock/mock.ts";
import { parseMockFile } from "../../../script/mock/mock_file.ts";
import { canReset } from "../../../script/mock/mock_script.ts";
import type { Service } from "../../../server/service.ts";
import { defineService, type ServiceEntry } from "../../../services/service.ts";
import { faultsOf, RELAY_FLAGS, targetOptionsOf } from "../relay.ts";

const { control: _control, config: _config, record: _record, ...FLAGS_OF_RELAY } = RELAY_FLAGS;

const relay = defineService({
  endpoints: ["tcp://127.0.0.1:0"],
  framing: "raw",
  takesFraming: false,
  sharesState: true,
  flags: {
    target: { type: "text", placeholder: "ENDPOINT", repeat: true, help: "where to forward connections" },
    ...FLAGS_OF_RELAY,
  },
  async create(flags, { log }) {
    if (flags.target.length === 0) throw new UsageError("no target");
    const targets = flags.target.map((target) => parseEndpoint(target));
    const faults = faultsOf(flags);
    assertUsable(faults, targets);
    const seed = flags.seed ?? randomSeed();
    log.info(`relaying to ${flags.target.join(", ")}`, { seed });
    const service = new RelayService({
      targets,
      ...await targetOptionsOf(flags),
      faults,
      seed,
      clock: SYSTEM_CLOCK,
      subprotocols: flags.subprotocol,
    });
    return Object.assign(service, { resetsConnections: true });
  },
});

const mock = defineService({
  endpoints: ["tcp://127.0.0.1:0"],
  framing: "raw",
  sharesState: true,
  flags: {
    file: { type: "text", placeholder: "FILE", help: "the script, or a recording" },
    strict: { type: "boolean", help: "fail also for scripts and rules that were not used" },
    timed: { type: "boolean", help: "play a recording with its pauses" },
  },
  async create(flags, { log, codec }): Promise<Service> {
    const { file } = flags;
    if (file === undefined) throw new UsageError("no file");
    const content = await readNamedFile(file, "the script");
    const { script } = parseMockFile(content, file, { env: readEnvironment, isTimed: flags.timed });
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
    return {
      resetsConnections: canReset(script),
      serve: (session) => mock.serve(session),
      drain: () => mock.stop(),
      assertPassed: () => mock.assertPassed(),
    };
  },
});

/** The entries of these services. */
export const PEERS: readonly ServiceEntry[] = [
  {
    name: "relay",
    summary: "forward connections to another server, with faults if wanted",
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
