import type { Program } from "../../cli/command.ts";

/** `parley-udp`. */
export const udpProgram: Program = {
  name: "parley-udp",
  summary: "serve, send and measure datagrams",
  commands: [],
};
