import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";
import { SERVICES } from "../../services/registry.ts";
import { hashPasswordCommand } from "./hash_password.ts";
import { serveCommand } from "./serve_command.ts";

/** `parley-server`. */
export const serverProgram: Program = withDocumentation({
  name: "parley-server",
  summary: "serve echo, greeting, chat and other services",
  commands: [...SERVICES.map(serveCommand), hashPasswordCommand],
});
