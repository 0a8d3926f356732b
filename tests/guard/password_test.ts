import { assert, assertEquals, assertFalse, assertNotEquals, assertThrows } from "@std/assert";
import { PasswordAuthenticator } from "../../src/guard/password_authenticator.ts";
import { parsePasswordFile } from "../../src/guard/password_file.ts";
import { hashPassword, parsePasswordHash, verifyPassword } from "../../src/guard/password_hash.ts";
import { withinTime } from "../support/give_back.ts";

Deno.test("hashPassword() salts: two hashes of one password differ, and both verify", async () => {
  const [first, second] = await Promise.all([hashPassword("grün"), hashPassword("grün")]);
  assertNotEquals(first, second);
  // The same letters as other code points.
  assert(await verifyPassword("gru\u0308n", first));
  assertFalse(await verifyPassword("grun", second));
});

Deno.test("verifyPassword() agrees with a test vector of RFC 7914", async () => {
  const hash = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da" +
    "c727afb94a83ee6d8360cbdfa2cc0640";
  const text = `scrypt$10$8$16$${btoa("NaCl")}$${Uint8Array.fromHex(hash).toBase64()}`;
  assert(await verifyPassword("password", text));
});

Deno.test("parsePasswordHash() rejects invalid hashes, and costs that exhaust the memory", () => {
  const hash = btoa("x".repeat(32));
  for (
    const wrong of ["", "secret", `scrypt$15$8$1$$${hash}`, "scrypt$15$8$1$QUJD$QUJD", `scrypt$30$8$1$QUJD$${hash}`]
  ) {
    assertThrows(() => parsePasswordHash(wrong), SyntaxError, "hash-password");
  }
});

Deno.test("parsePasswordHash() takes costs of 256 MiB at most (MAX_MEMORY_BYTES), and hashes of 32 bytes at least", () => {
  const hashOf = (cost: string, bytes = 32) => `scrypt$${cost}$QUJD$${btoa("x".repeat(bytes))}`;
  const { cost, blockSize, parallelism, salt, hash } = parsePasswordHash(hashOf("18$8$2"));
  assertEquals([cost, blockSize, parallelism, new TextDecoder().decode(salt), hash.length], [18, 8, 2, "ABC", 32]);
  const wrong = [hashOf("18$9$1"), hashOf("19$8$1"), hashOf("0$8$1"), hashOf("15$0$1"), hashOf("15$8$0")];
  for (const text of [...wrong, hashOf("15$8$1", 31), "scrypt$15$8$1$QUJD$====", "scrypt$15$8$1$====$QUJD"]) {
    assertThrows(() => parsePasswordHash(text), SyntaxError, "hash-password");
  }
});

Deno.test("hashPassword() salts with 16 bytes and makes 32 (SALT_BYTES, HASH_BYTES)", async () => {
  const { salt, hash } = parsePasswordHash(await hashPassword("x"));
  assertEquals([salt.length, hash.length], [16, 32]);
});

Deno.test("PasswordAuthenticator.replace() changes who can log in", async () => {
  const hash = await hashPassword("right");
  const authenticator = new PasswordAuthenticator(parsePasswordFile(`ann:${hash}`, "names"));
  authenticator.replace(parsePasswordFile(`bob:${hash}`, "names"));
  const names = await Promise.all(["ann", "bob"].map((name) => authenticator.verify(name, "right", "192.0.2.1")));
  assertEquals(names.map((identity) => identity?.name), [undefined, "bob"]);
});

Deno.test("parsePasswordFile() reads names and roles, and names the line that is wrong", async () => {
  const hash = await hashPassword("x");
  const entries = parsePasswordFile(`# staff\r\nann:${hash}:operator:#dev,moderator\r\n\nbob:${hash}\n`, "names");
  assertEquals(entries.get("ann")?.identity, { name: "ann", roles: ["operator:#dev", "moderator"] });
  assertEquals(entries.get("bob")?.identity.roles, []);
  assertThrows(
    () => parsePasswordFile(`ann:${hash}\nann:${hash}`, "names"),
    Error,
    "names, line 2: duplicate name ann",
  );
  assertThrows(() => parsePasswordFile("ann:secret", "names"), Error, "names, line 1: invalid password hash");
  assertThrows(() => parsePasswordFile(`an n:${hash}`, "names"), Error, "names, line 1: expected NAME:HASH");
});

Deno.test("PasswordAuthenticator takes as long for an unknown name, and blocks clients that fail too often", async () => {
  const entries = parsePasswordFile(`ann:${await hashPassword("right")}:operator`, "names");
  let nowMs = 0;
  const authenticator = new PasswordAuthenticator(entries, { attempts: 3, forgiveAfter: 1_000, now: () => nowMs });
  const verify = (name: string, password: string, address = "192.0.2.1") =>
    authenticator.verify(name, password, address).then((identity) => identity?.name);
  const knownMs = await timeOf(() => verify("ann", "wrong"));
  const unknownMs = await timeOf(() => verify("eve", "wrong"));
  assertEquals(await verify("ann", "wrong"), undefined);
  assert(unknownMs > knownMs / 4, `an unknown name took ${unknownMs} ms, a known one ${knownMs} ms`);
  assertEquals(await verify("ann", "right"), "ann");
  assertEquals(await verify("ann", "wrong"), undefined);
  assertEquals(await verify("ann", "right"), undefined);
  assertEquals(await verify("ann", "right", "192.0.2.2"), "ann");
  nowMs = 1_000;
  assertEquals(await verify("ann", "right"), "ann");
});

Deno.test("PasswordAuthenticator: guesses at one name lock out no other name of the address (chat M1)", async () => {
  const hash = await hashPassword("right");
  const entries = parsePasswordFile(`ann:${hash}\nbob:${hash}`, "names");
  const authenticator = new PasswordAuthenticator(entries, { attempts: 2, now: () => 0 });
  const verify = (name: string, password: string, address = "192.0.2.1") =>
    authenticator.verify(name, password, address).then((identity) => identity?.name);
  for (let tries = 0; tries < 3; tries++) {
    assertEquals(await verify("ann", "wrong"), undefined);
    assertEquals(await verify(`nobody${tries}`, "wrong"), undefined);
  }
  assertEquals(await verify("ann", "right"), undefined);
  assertEquals(await verify("bob", "right"), "bob");
  assertEquals(await verify("ann", "right", "192.0.2.2"), "ann");
  // The same client by another way to write its address, and by another address of its network.
  assertEquals(await verify("ann", "right", "::ffff:192.0.2.1"), undefined);
});

Deno.test("PasswordAuthenticator holds guesses at many names, and at one from many addresses (chat M1)", async () => {
  const entries = parsePasswordFile(`ann:${await hashPassword("right")}`, "names");
  const authenticator = new PasswordAuthenticator(entries, { sharedAttempts: 2, holdFor: 300, now: () => 0 });
  const heldMs = async (name: string, address: string) => {
    const spentMs = await timeOf(() => authenticator.verify(name, "right", address));
    return spentMs >= 290;
  };
  for (let host = 1; host <= 2; host++) await authenticator.verify("ann", "wrong", `192.0.2.${host}`);
  assertEquals(await heldMs("ann", "192.0.2.3"), true);
  // Nobody is rejected for what others guess.
  assertEquals((await authenticator.verify("ann", "right", "192.0.2.4"))?.name, "ann");
});

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Nobody's password, and quick to find out. */
const CHEAP = `scrypt$1$1$1$${btoa("salt")}$${btoa("x".repeat(32))}`;

Deno.test("PasswordAuthenticator answers many logins at once, one after the other", async () => {
  const authenticator = new PasswordAuthenticator(
    new Map([["ann", { identity: { name: "ann", roles: [] }, hash: CHEAP }]]),
  );
  const guesses = Array.from({ length: 9 }, (_, at) => authenticator.verify("ann", `guess ${at}`, "192.0.2.1"));
  assertEquals(await withinTime(Promise.all(guesses), "nine logins"), Array(9).fill(undefined));
});
