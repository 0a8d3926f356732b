import { assertEquals } from "@std/assert";
import { unmentionedConstants, untestedFlags } from "../../scripts/check_limit_tests.ts";

const source = (code: string) => ({ path: "a.ts", text: code, code });

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

Deno.test("unmentionedConstants() lists constants that no test mentions", () => {
  const files = [source("const MAX_ROOMS = 1;\nexport const CLOSE_TIMEOUT_MS = 2;\nconst NAME = 3;\n")];
  assertEquals(unmentionedConstants(files, "MAX_ROOMS + 1").map(({ name }) => name), ["CLOSE_TIMEOUT_MS"]);
});
