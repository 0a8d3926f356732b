import { assertEquals } from "@std/assert";
import { configureLogging, Logger, type LogLevel } from "@parley/parley";

function collect(level: LogLevel | "off"): string[] {
  const lines: string[] = [];
  configureLogging({ level, format: "text", color: false, write: (line) => lines.push(line.slice(13)) });
  return lines;
}

Deno.test("Logger marks every line with its context and its fields", () => {
  const lines = collect("info");
  const log = Logger.of("HTTP API").with({ connection: 7 });
  log.info("listening", { port: 8080 });
  Logger.of("chat").warning("slow");
  assertEquals(lines, ["info [HTTP API] listening connection=7 port=8080\n", "warning [chat] slow\n"]);
  collect("off");
});

Deno.test("Logger treats braces in a text literally", () => {
  const lines = collect("info");
  Logger.of("echo").info("peer sent {connection} {0} %s", { connection: 7 });
  assertEquals(lines, ["info [echo] peer sent {connection} {0} %s connection=7\n"]);
  collect("off");
});

Deno.test("Logger writes from the level that is asked for, and nothing when off", () => {
  const lines = collect("warning");
  const log = Logger.of("echo");
  for (const level of ["trace", "debug", "info", "warning", "error"] as const) log[level](level);
  assertEquals(lines, ["warning [echo] warning\n", "error [echo] error\n"]);
  assertEquals([log.isEnabled("info"), log.isEnabled("error")], [false, true]);
  const none = collect("off");
  log.error("unheard");
  assertEquals(none, []);
});

Deno.test("Logger continues when a line cannot be written, such as to a closed standard error", () => {
  let tries = 0;
  const write = () => {
    tries++;
    throw new Deno.errors.BrokenPipe();
  };
  configureLogging({ level: "info", format: "text", color: false, write });
  Logger.of("echo").info("listening");
  assertEquals(tries, 1);
  collect("off");
});
