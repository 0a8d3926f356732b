import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";

/** `parley-udp`: its commands, in the order of `--help`. Each is loaded when it is called. */
export const udpProgram: Program = withDocumentation({
  name: "parley-udp",
  summary: "serve, send and measure datagrams",
  schemes: ["udp", "unixgram"],
  commands: [
    {
      name: "serve",
      summary: "serve datagrams, for example echo",
      example: { words: "serve upper udp://127.0.0.1:5000", does: "send each datagram back in upper case" },
      load: async () => (await import("./serve_command.ts")).serveCommand,
    },
    {
      name: "send",
      summary: "send datagrams and report which got no reply",
      example: { words: "send udp://127.0.0.1:5000 hello", does: "print the reply" },
      load: async () => (await import("./send_command.ts")).sendCommand,
    },
    {
      name: "listen",
      summary: "print received datagrams; send no replies",
      example: { words: "listen :5000", does: "print one line per datagram" },
      load: async () => (await import("./listen_command.ts")).listenCommand,
    },
    {
      name: "replay",
      summary: "send recorded datagrams again, at their original pace",
      example: { words: "replay session.jsonl :5000", does: "send what parley-udp listen --record has recorded" },
      load: async () => (await import("./replay_command.ts")).replayCommand,
    },
    {
      name: "mock",
      summary: "play a script to each sender, and fail if one deviates from it",
      example: { words: "mock dns.yaml", does: "play dns.yaml on 127.0.0.1:5000" },
      load: async () => (await import("./mock_command.ts")).mockCommand,
    },
    {
      name: "bench",
      summary: "measure loss, duplicates, reordering, jitter and round trips",
      example: { words: "bench :5000 --rate 1000/s --duration 10s", does: "measure against an echo server" },
      load: async () => (await import("./bench_command.ts")).benchCommand,
    },
    {
      name: "relay",
      summary: "forward datagrams and return replies; simulate a bad network",
      example: {
        words: "relay udp://:5000 udp://127.0.0.1:6000 --drop 20% --seed 7",
        does: "drop 20 %, the same datagrams in each run",
      },
      load: async () => (await import("./relay_command.ts")).relayCommand,
    },
  ],
});
