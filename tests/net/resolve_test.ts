import { assert, assertEquals, assertRejects } from "@std/assert";
import { resolve, ResolveError } from "@parley/parley";

Deno.test("resolve() returns a numeric address unchanged", async () => {
  assertEquals(await resolve("127.0.0.1"), [{ address: "127.0.0.1", family: 4 }]);
  assertEquals(await resolve("2001:db8::1"), [{ address: "2001:db8::1", family: 6 }]);
});

Deno.test("resolve() returns every address of a name once", async () => {
  const found = await resolve("localhost");
  assert(found.some(({ address }) => address === "127.0.0.1" || address === "::1"));
  assertEquals(new Set(found.map(({ address }) => address)).size, found.length);
});

Deno.test("resolve() reports that a name has no address", async () => {
  // Reserved for names that never resolve (RFC 6761, section 6.4).
  await assertRejects(() => resolve("no-such-host.invalid"), ResolveError, 'Cannot resolve "no-such-host.invalid"');
});

Deno.test("resolve() ends with the signal's reason", async () => {
  await assertRejects(
    () => resolve("no-such-host.invalid", { signal: AbortSignal.abort(new Error("enough")) }),
    Error,
    "enough",
  );
});
