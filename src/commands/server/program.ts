import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";
import { SERVICES } from "../../services/registry.ts";

/** `parley-server`: its commands, in the order of `--help`. Each is loaded when it is called. */
export const serverProgram: Program = withDocumentation({
  name: "parley-server",
  summary: "serve echo, greeting, chat and other services",
  schemes: ["tcp", "tls", "ws", "wss", "unix", "ws+unix"],
  commands: [
    ...SERVICES.map((service) => ({
      ...service,
      load: async () => (await import("./serve.ts")).serveCommand(service),
    })),
    {
      name: "stack",
      summary: "serve many services from one file in one process",
      example: { words: "stack stack.yaml", does: "all services in stack.yaml" },
      load: async () => (await import("./stack.ts")).stackCommand,
    },
    {
      name: "pipe",
      summary: "join one client to standard input and output",
      example: { words: "pipe --receive-only :9000 > file", does: "receive a file" },
      load: async () => (await import("./pipe.ts")).pipeCommand,
    },
    {
      name: "relay",
      summary: "forward connections to another server, optionally with faults",
      example: { words: "relay 8000 db:5432 --fault latency:100ms", does: "delay each way to db:5432 by 100 ms" },
      load: async () => (await import("./relay.ts")).relayCommand,
    },
    {
      name: "mock",
      summary: "play a script to each client, and fail if one deviates from it",
      example: { words: "mock smtp.yaml", does: "play smtp.yaml on 127.0.0.1:8888" },
      load: async () => (await import("./mock.ts")).mockCommand,
    },
    {
      name: "hash-password",
      summary: "hash a password for the file of --auth",
      example: { words: "hash-password ann >> names", does: "prompt for ann's password" },
      load: async () => (await import("./hash_password.ts")).hashPasswordCommand,
    },
  ],
});
