import { UsageError } from "../../base/errors.ts";
import { defineCommand } from "../../cli/command.ts";
import { mockService } from "../../script/mock/start_mock.ts";
import { MOCK_FLAGS, runMock } from "../mock.ts";
import { openReadyFile } from "../announce_ready.ts";
import { configureServerLogging } from "../server_logging.ts";
import { serve } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";

const ENDPOINTS = ["tcp://127.0.0.1:8888"];

/** `parley-server mock`. */
export const mockCommand = defineCommand({
  usage: "FILE [ENDPOINT...] [-- COMMAND]",
  examples: [
    { words: "mock smtp.yaml :0 -- ./run_tests.sh", does: "serve while a command runs, with PARLEY_ENDPOINT set" },
    { words: "mock talk.jsonl --exit-after 1", does: "play the server's side of a recording" },
  ],
  flags: { ...MOCK_FLAGS, ...SHARED_FLAGS },
  readsEnvironment: true,
  takesCommand: true,
  notes: [
    `Without an ENDPOINT it listens on ${ENDPOINTS.join(" and ")}. FILE is a script or a recording.`,
    "The exit code is 1 if a client deviates from the script, also after SIGTERM.",
  ].join("\n"),
  async run({ flags, args, childCommand, io }) {
    await using _log = configureServerLogging(flags, io);
    // Opened first, so that an early failure does not leave the file of an earlier run.
    openReadyFile(flags.readyFile)?.[Symbol.dispose]();
    const [path, ...endpoints] = args;
    if (path === undefined) throw new UsageError("missing FILE: mock FILE [ENDPOINT...]");
    return await runMock(path, flags, { io, program: "parley-server" }, (mock, script) => {
      const service = {
        name: "mock",
        endpoints: ENDPOINTS,
        framing: () => script.framing ?? "raw",
        flags: {},
        sharesState: true,
        create: () => mockService(mock, script),
      };
      return serve(service, flags, endpoints, io, { childCommand });
    });
  },
});
