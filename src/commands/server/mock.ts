import { UsageError } from "../../base/errors.ts";
import { defineCommand } from "../../cli/command.ts";
import { mockService } from "../../script/mock/start_mock.ts";
import { MOCK_FLAGS, runMock } from "../mock.ts";
import { openReadyFile } from "../announce_ready.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { serve } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";

const ENDPOINTS = ["tcp://127.0.0.1:8888"];

const EXAMPLE = `
connections:
  - on-connect: { send: "220 hi\\\\r\\\\n" }
    steps:
      - expect-regex: "^EHLO (\\\\S+)\\\\r\\\\n"
      - send: "250 {1}\\\\r\\\\n"
      - reset: true
  - when: { regex: "^GET /health" }
    reply: "HTTP/1.1 200 OK\\\\r\\\\nContent-Length: 2\\\\r\\\\n\\\\r\\\\nok"
otherwise: close
expect: { connections: 2 }`;

/** `parley-server mock`. */
export const mockCommand = defineCommand({
  usage: "FILE [ENDPOINT...] [-- COMMAND]",
  examples: [
    { words: "mock smtp.yaml :0 -- ./run_tests.sh", does: "while a command runs; it finds PARLEY_ENDPOINT" },
    { words: "mock talk.jsonl --exit-after 1", does: "play the server's part of a recording" },
  ],
  flags: { ...MOCK_FLAGS, ...SHARED_FLAGS },
  readsEnvironment: true,
  takesCommand: true,
  notes: [
    `Without an ENDPOINT it listens on ${ENDPOINTS.join(" and ")}. A file looks like this:${EXAMPLE}`,
    "Scripts are taken in order, one client each; an entry with when is a rule for every input that it matches.",
    "The exit code is 1 if a client did anything else, also after SIGTERM.",
  ].join("\n"),
  async run({ flags, args, childCommand, io }) {
    configureProgramLogging(flags, io);
    // Whatever fails before the server starts must not leave the file of an earlier run.
    openReadyFile(flags.readyFile)?.[Symbol.dispose]();
    const [path, ...endpoints] = args;
    if (path === undefined) throw new UsageError("the file is missing: mock FILE [ENDPOINT...]");
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
