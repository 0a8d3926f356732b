import { assertEquals, assertThrows } from "@std/assert";
import { configureSync, resetSync } from "@logtape/logtape";
import { configureLogging, Logger, type LoggingOptions } from "@parley/parley";

function optionsFor(lines: string[]): LoggingOptions {
  return { level: "info", format: "text", color: false, write: (line) => lines.push(line) };
}

Deno.test("configureLogging() keeps the configuration of the application, and reports it", () => {
  resetSync();
  const own: string[] = [];
  configureSync({
    sinks: { own: ({ message }) => own.push(message.join("")) },
    loggers: [
      { category: ["parley"], sinks: ["own"] },
      { category: ["logtape", "meta"], sinks: ["own"], lowestLevel: "error" },
    ],
  });
  const lines: string[] = [];
  assertThrows(() => configureLogging(optionsFor(lines)), TypeError, "LogTape itself");
  Logger.of("test").info("hello");
  assertEquals([own, lines], [["hello"], []]);
  resetSync();
});

Deno.test("configureLogging() replaces the configuration of an earlier call", () => {
  resetSync();
  const [first, second]: [string[], string[]] = [[], []];
  configureLogging(optionsFor(first));
  configureLogging(optionsFor(second));
  Logger.of("test").info("hello");
  assertEquals([first.length, second.length], [0, 1]);
  resetSync();
});

Deno.test("configureLogging() notices an application that configures LogTape after an earlier call", () => {
  resetSync();
  configureLogging(optionsFor([]));
  configureSync({ sinks: {}, loggers: [{ category: ["logtape", "meta"], lowestLevel: "error" }] });
  assertThrows(() => configureLogging(optionsFor([])), TypeError, "LogTape itself");
  resetSync();
});

Deno.test("configureLogging() writes text to standard error by default", () => {
  const lines: unknown[] = [];
  const { error } = console;
  console.error = (line) => void lines.push(line);
  try {
    configureLogging({ level: "info" });
    Logger.of("test").info("hello");
    Logger.of("test").debug("not shown");
  } finally {
    console.error = error;
  }
  assertEquals(lines.map((line) => String(line).replace(/^\S+/, "TIME")), ["TIME info [test] hello"]);
  configureLogging({ level: "off" });
});
