import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";
import { benchCommand } from "./bench.ts";
import { chatCommand } from "./chat.ts";
import { checkCommand } from "./check.ts";
import { connectCommand } from "./connect.ts";
import { freePortCommand } from "./free_port.ts";
import { inspectCommand } from "./inspect.ts";
import { replayCommand } from "./replay.ts";
import { resolveCommand } from "./resolve.ts";
import { sendCommand } from "./send.ts";
import { smokeCommand } from "./smoke.ts";

/** `parley-client`. */
export const clientProgram: Program = withDocumentation({
  name: "parley-client",
  summary: "talk to servers, check them, measure them",
  commands: [
    connectCommand,
    sendCommand,
    replayCommand,
    checkCommand,
    smokeCommand,
    benchCommand,
    chatCommand,
    inspectCommand,
    resolveCommand,
    freePortCommand,
  ],
});
