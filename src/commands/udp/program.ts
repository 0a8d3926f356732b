import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";

/** `parley-udp`: its commands, in the order of `--help`. Each is loaded when it is called. */
export const udpProgram: Program = withDocumentation({
  name: "parley-udp",
  summary: "serve, send and measure datagrams",
  commands: [
    {
      name: "serve",
      summary: "answer datagrams with a service, such as echo",
      example: { words: "serve upper udp://127.0.0.1:5000", does: "send each datagram back in upper case" },
      load: async () => (await import("./serve_command.ts")).serveCommand,
    },
    {
      name: "send",
      summary: "send datagrams and say which of them got no reply",
      example: { words: "send udp://127.0.0.1:5000 hello", does: "print the reply" },
      load: async () => (await import("./send_command.ts")).sendCommand,
    },
    {
      name: "listen",
      summary: "print the datagrams that come, and answer none",
      example: { words: "listen :5000", does: "one line a datagram" },
      load: async () => (await import("./listen_command.ts")).listenCommand,
    },
    {
      name: "replay",
      summary: "send recorded datagrams again, at the times at which they came",
      example: { words: "replay session.jsonl :5000", does: "as it was recorded by parley-udp listen --record" },
      load: async () => (await import("./replay_command.ts")).replayCommand,
    },
    {
      name: "bench",
      summary: "measure loss, duplicates, order, jitter and round trips",
      example: { words: "bench :5000 --rate 1000/s --duration 10s", does: "to whatever echoes there" },
      load: async () => (await import("./bench_command.ts")).benchCommand,
    },
    {
      name: "relay",
      summary: "pass datagrams on and replies back, over a bad network if asked to",
      example: {
        words: "relay udp://:5000 udp://127.0.0.1:6000 --drop 20% --seed 7",
        does: "lose every fifth, the same ones each run",
      },
      load: async () => (await import("./relay_command.ts")).relayCommand,
    },
  ],
});
