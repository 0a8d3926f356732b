import { assertEquals, assertRejects } from "@std/assert";
import { BindError } from "@parley/parley";
import { parseFlags } from "../../../src/cli/parse_flags.ts";
import { openService, type ServeFlags } from "../../../src/commands/server/open_service.ts";
import { SHARED_FLAGS } from "../../../src/commands/server/shared_flags.ts";
import { nextTurn } from "../../../src/net/wait.ts";
import { defineService } from "../../../src/services/service.ts";
import { Reloads } from "../../support/reloads.ts";

/** Opens a service that counts how often it has been disposed of. */
function open(endpoint: string) {
  const counts = { disposed: 0 };
  const service = defineService({
    endpoints: [],
    framing: "raw",
    flags: {},
    create: () => ({
      serve: () => Promise.resolve(),
      async [Symbol.asyncDispose]() {
        await nextTurn();
        counts.disposed++;
      },
    }),
  });
  const { flags } = parseFlags([], SHARED_FLAGS);
  const opening = openService({ ...service, name: "test" }, flags as ServeFlags, {
    endpoints: [endpoint],
    program: [],
    slot: { index: 0, count: 1 },
    reload: new Reloads(),
  });
  return { counts, opening };
}

Deno.test("openService() that cannot listen has disposed of its service before it fails", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { counts, opening } = open(`tcp://127.0.0.1:${taken.addr.port}`);
  await assertRejects(() => opening, BindError);
  assertEquals(counts.disposed, 1);
});

for (const isRun of [false, true]) {
  Deno.test(`openService() disposes of a service that was ${isRun ? "run" : "not run"} once`, async () => {
    const { counts, opening } = open("tcp://127.0.0.1:0");
    {
      await using opened = await opening;
      if (isRun) await opened.run(AbortSignal.abort());
    }
    assertEquals(counts.disposed, 1);
  });
}
