import type { Program } from "../../cli/command.ts";
import { withDocumentation } from "../../cli/documentation_commands.ts";

/** `parley-client`: its commands, in the order of `--help`. Each is loaded when it is called. */
export const clientProgram: Program = withDocumentation({
  name: "parley-client",
  summary: "connect to servers, check them, measure them",
  schemes: ["tcp", "tls", "ws", "wss", "unix", "ws+unix"],
  commands: [
    {
      name: "connect",
      summary: "interactive or piped client",
      example: { words: "connect 127.0.0.1:8888", does: "type lines, see replies; quit or Ctrl-D ends" },
      load: async () => (await import("./connect.ts")).connectCommand,
    },
    {
      name: "send",
      summary: "send a request and check the reply",
      example: { words: "send 127.0.0.1:8888 'hello\\n' --expect hello", does: "exit 0 only if hello comes back" },
      load: async () => (await import("./send.ts")).sendCommand,
    },
    {
      name: "replay",
      summary: "repeat a recorded session and compare the replies",
      example: { words: "replay talk.jsonl 127.0.0.1:8888", does: "exit 1 if a reply differs" },
      load: async () => (await import("./replay.ts")).replayCommand,
    },
    {
      name: "check",
      summary: "check whether servers are ready, or wait until they are",
      example: {
        words: "check --wait 30s tcp://127.0.0.1:5432 unix:/run/app.sock",
        does: "wait until both accept connections",
      },
      load: async () => (await import("./check.ts")).checkCommand,
    },
    {
      name: "run",
      summary: "start servers, wait for them, run a test, stop them",
      example: {
        words: "run --start './server --port 8080' --check http://:8080/health -- npm test",
        does: "the exit code is that of npm test",
      },
      load: async () => (await import("./run.ts")).runCommand,
    },
    {
      name: "smoke",
      summary: "run a file of exchanges and checks, and report",
      example: { words: "smoke smoke.yaml", does: "run every test of the file, several at a time" },
      load: async () => (await import("./smoke.ts")).smokeCommand,
    },
    {
      name: "bench",
      summary: "load an echo server and measure it",
      example: {
        words: "bench tcp://127.0.0.1:8888 -c 50 --size 64 -d 5s",
        does: "50 connections, one message in flight each",
      },
      load: async () => (await import("./bench.ts")).benchCommand,
    },
    {
      name: "chat",
      summary: "join a chat, on a terminal or as a bot",
      example: { words: "chat 127.0.0.1:8028 --nick ann", does: "type lines, see messages; see /help" },
      load: async () => (await import("./chat.ts")).chatCommand,
    },
    {
      name: "inspect",
      summary: "show addresses, socket options, round trip and TLS",
      example: {
        words: "inspect db.internal:5432",
        does: "addresses tried, certificate, socket options",
      },
      load: async () => (await import("./inspect.ts")).inspectCommand,
    },
    {
      name: "resolve",
      summary: "print every address of a host",
      example: { words: "resolve localhost", does: "one address per line, in the system's order of preference" },
      load: async () => (await import("./resolve.ts")).resolveCommand,
    },
    {
      name: "free-port",
      summary: "print a free port",
      example: { words: "free-port", does: "print one number" },
      load: async () => (await import("./free_port.ts")).freePortCommand,
    },
  ],
});
