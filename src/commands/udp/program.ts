import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";
import { benchCommand } from "./bench_command.ts";
import { listenCommand } from "./listen_command.ts";
import { relayCommand } from "./relay_command.ts";
import { replayCommand } from "./replay_command.ts";
import { sendCommand } from "./send_command.ts";
import { serveCommand } from "./serve_command.ts";

/** `parley-udp`. */
export const udpProgram: Program = withDocumentation({
  name: "parley-udp",
  summary: "serve, send and measure datagrams",
  commands: [serveCommand, sendCommand, listenCommand, replayCommand, benchCommand, relayCommand],
});
