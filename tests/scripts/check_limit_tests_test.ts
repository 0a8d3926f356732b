import { assertEquals } from "@std/assert";
import { untestedConstants, untestedFlags } from "../../scripts/check_limit_tests.ts";

const source = (code: string, path = "a.ts") => ({ path, text: code, code });

Deno.test("untestedFlags() lists flags for durations, sizes and maxima that no test names", () => {
  const files = [source(`
    idleTimeout: { type: "duration", help: "close" },
    maxOutbox: {
      type: "size",
      help: "most",
    },
    maxClients: { help: "most", type: "integer" },
    color: { type: "text", help: "none" },
  `)];
  const names = (tests: string) => untestedFlags(files, tests).map(({ name }) => name);
  assertEquals(names(""), ["idleTimeout", "maxOutbox", "maxClients"]);
  assertEquals(names(`["--idle-timeout", "1s"], { maxOutbox: 1, maxClientsOfRelay: 2 }`), ["maxClients"]);
});

Deno.test("untestedConstants() lists constants that no test of their room names, and exemptions that are not needed", () => {
  const code = "const MAX_ROOMS = 1;\nexport const CLOSE_TIMEOUT_MS = 2;\nconst NAME = 3;\nconst NO_BYTES = 4;\n";
  const files = [source(code, "chat/a.ts")];
  const check = (tests: Record<string, string>, ...exempt: string[]) => {
    const { untested, needless } = untestedConstants(files, new Map(Object.entries(tests)), { reason: exempt });
    return [untested.map(({ name }) => name), needless];
  };
  assertEquals(check({}), [["MAX_ROOMS", "CLOSE_TIMEOUT_MS"], []]);
  assertEquals(check({ "tests/chat/a_test.ts": "MAX_ROOMS + 1" }), [["CLOSE_TIMEOUT_MS"], []]);
  // Another room may have a constant of that name.
  assertEquals(check({ "tests/net/a_test.ts": "MAX_ROOMS" })[0], ["MAX_ROOMS", "CLOSE_TIMEOUT_MS"]);
  assertEquals(check({ "tests/e2e/a_test.ts": "MAX_ROOMS CLOSE_TIMEOUT_MS" }), [[], []]);
  assertEquals(check({}, "chat/a.ts MAX_ROOMS", "net/a.ts MAX_ROOMS"), [["CLOSE_TIMEOUT_MS"], ["net/a.ts MAX_ROOMS"]]);
});
