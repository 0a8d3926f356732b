import { assertEquals, assertStringIncludes } from "@std/assert";
import { runClient } from "../support/run_client.ts";
import { startProgram } from "../support/in_process.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

Deno.test("commands report an unexpected argument, and suggest HOST:PORT for HOST PORT (fault 34)", async () => {
  const cases: [words: string[], says: string][] = [
    [["connect", "127.0.0.1", "8028"], 'unexpected argument "8028"; did you mean 127.0.0.1:8028?'],
    [["connect", "::1", "8028"], "did you mean [::1]:8028?"],
    [["chat", "localhost", "8028"], "did you mean localhost:8028?"],
    [["inspect", "localhost", "80"], "did you mean localhost:80?"],
    [["bench", "localhost", "80"], "did you mean localhost:80?"],
    [["connect", ":1", "x"], 'unexpected argument "x"\n'],
    [["connect", ":1", "80"], 'unexpected argument "80"\n'],
    [["send", ":1", "a", "b"], 'unexpected argument "b"; quote DATA'],
    [["resolve", "a", "b"], 'unexpected argument "b"'],
    [["free-port", "x"], 'unexpected argument "x"'],
    [["connect", "8888x"], '"8888x" is neither a port nor HOST:PORT'],
    [["connect", "127.0.0.1"], "the port is missing"],
  ];
  for (const [words, says] of cases) {
    const { code, stderr } = await runClient(words);
    assertEquals(code, 2, words.join(" "));
    assertStringIncludes(stderr, says);
  }
});

Deno.test("resolve fails without a name, and without an address (fault 47)", async () => {
  for (const words of [[""], []]) {
    const { code, stdout, stderr } = await runClient(["resolve", ...words]);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "the host name is missing");
  }
  for (const name of [" ", ".", "nobody.invalid"]) {
    const { code, stdout } = await runClient(["resolve", "--json", name]);
    assertEquals([code, JSON.parse(stdout).exitCode], [3, 3], `"${name}"`);
  }
});

Deno.test("free-port takes a name of this machine, and exits 3 for an unknown one (fault 47)", async () => {
  const { code, stdout } = await runClient(["free-port", "--json", "--host", "nobody.invalid"]);
  assertEquals([code, JSON.parse(stdout).exitCode], [3, 3]);
  const named = await runClient(["free-port", "--host", "localhost"]);
  assertEquals([named.code, /^\d+\n$/.test(named.stdout)], [0, true]);
});

/** Runs a command against a server that is silent, and interrupts it once it has connected. */
async function interrupted(signal: Deno.Signal, words: readonly string[], data: readonly string[] = []) {
  const connected = Promise.withResolvers<void>();
  await using silent = scriptedPeer(() => connected.resolve());
  await using program = startProgram("client", [...words, silent.endpoint, ...data]);
  await connected.promise;
  program.kill(signal);
  const code = await program.exitCode();
  return { code, stdout: (await program.outcome()).stdout };
}

for (const [signal, exit] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`send and check agree with the exit code after ${signal} (fault 46)`, async () => {
    const runs = [
      interrupted(signal, ["send", "--json"], ["hi"]),
      interrupted(signal, ["check", "--json", "--wait", "10s", "--banner", "x"]),
    ];
    for (const { code, stdout } of await Promise.all(runs)) {
      assertEquals(code, exit);
      const objects = stdout.trim().split("\n").map((line) => JSON.parse(line));
      assertEquals(objects.map(({ ok, exitCode }) => [ok, exitCode]), [[false, exit]]);
    }
    // Its standard input is open.
    assertEquals((await interrupted(signal, ["connect"])).code, exit);
  });
}
