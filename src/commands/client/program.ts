import type { Program } from "../../cli/command.ts";
import { checkCommand } from "./check.ts";

/** `parley-client`. */
export const clientProgram: Program = {
  name: "parley-client",
  summary: "talk to servers, check them, measure them",
  commands: [
    checkCommand,
  ],
};
