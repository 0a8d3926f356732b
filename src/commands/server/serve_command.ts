import { type Command, defineCommand } from "../../cli/command.ts";
import { loadService, type ServiceEntry } from "../../services/service.ts";
import { serve } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";

/** Loads the command that serves a service. */
export async function serveCommand(entry: ServiceEntry): Promise<Command> {
  const service = await loadService(entry);
  return defineCommand({
    usage: service.takesProgram ? "[ENDPOINT...] -- PROGRAM [ARGS]" : "[ENDPOINT...] [-- COMMAND]",
    examples: service.examples ?? [],
    flags: { ...service.flags, ...SHARED_FLAGS },
    notes: `Without an ENDPOINT it listens on ${service.endpoints.join(" and ")}.\n` +
      (service.takesProgram
        ? ""
        : "With -- COMMAND it serves until the command has ended; PARLEY_ENDPOINT, PARLEY_HOST and PARLEY_PORT are set.\n") +
      (service.notes ?? "") +
      (service.asksForLogIn
        ? "With --auth a client logs in with /login NAME PASSWORD."
        : 'With --auth the first line, or first message, of a client must be "/login NAME PASSWORD"; the answer is ' +
          'a line that\nbegins with "* ", or with "! " and then the end. It must come within --auth-timeout (10 s).'),
    takesCommand: true,
    run: ({ flags, args, childCommand, io }) => serve(service, flags, args, io, { childCommand }),
  });
}
