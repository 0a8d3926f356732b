import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";

const LIBRARY = new URL("../../src/mod.ts", import.meta.url).href;

/** The exit code of a program that uses the library; it is ended with SIGKILL after 20 s. */
async function run(source: string): Promise<{ code: number; stdout: string }> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--unstable-net", "-N", "--config", fromFileUrl("../../deno.json"), file],
      signal: AbortSignal.timeout(20_000),
      env: { NO_COLOR: "1" },
      stderr: "inherit",
    }).output();
    return { code, stdout: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a connection that was forgotten does not keep a program from ending (fault 25)", async () => {
  const source = `
    import { connect, listen } from "${LIBRARY}";
    const listener = await listen("tcp://127.0.0.1:0");
    const client = await connect(listener.endpoint, { idleTimeout: "1h" });
    const served = await listener.accept();
    served.close();
    listener.close();
    console.log("forgotten", await client.read());
  `;
  assertEquals(await run(source), { code: 0, stdout: "forgotten null\n" });
});

Deno.test("a connection whose end is awaited, or that is unref'd while it reads, does not keep a program from ending", async () => {
  const source = `
    import { connect, listen } from "${LIBRARY}";
    for (const canReset of [false, true]) {
      const listener = await listen("tcp://127.0.0.1:0");
      const awaited = await connect(listener.endpoint, { canReset, firstByteTimeout: "1h" });
      awaited.signal.addEventListener("abort", () => {});
      void awaited.closed;
      (await listener.accept()).close();
      await awaited.read();
      const waiting = await connect(listener.endpoint, { canReset, totalTimeout: "1h" });
      globalThis[canReset ? "one" : "other"] = await listener.accept();
      void waiting.closed;
      void waiting.read();
      waiting.unref();
      waiting.ref();
      waiting.unref();
      listener.close();
    }
    console.log("done");
  `;
  assertEquals(await run(source), { code: 0, stdout: "done\n" });
});

Deno.test("waiting for a connection to close keeps the program alive until a deadline closes it (fault 25)", async () => {
  const source = `
    import { connect, listen } from "${LIBRARY}";
    const listener = await listen("tcp://127.0.0.1:0");
    const client = await connect(listener.endpoint, { totalTimeout: 300 });
    listener.close();
    console.log(await client.closed);
  `;
  assertEquals(await run(source), { code: 0, stdout: "lifetime\n" });
});
