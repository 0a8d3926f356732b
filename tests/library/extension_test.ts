import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";

/** What is added to the sources: each a file, and a line of a registry where there is one. */
const ADDED: readonly { file: string; text: string; registry?: [file: string, before: RegExp, line: string] }[] = [
  {
    file: "services/reverse.ts",
    text: `
      import { defineService } from "./service.ts";
      export const reverse = defineService({
        endpoints: ["tcp://127.0.0.1:8888"],
        framing: "netstring",
        flags: {},
        examples: [],
        create: () => ({
          async serve(session) {
            for await (const { data } of session) session.send(data.toReversed());
          },
        }),
      });
    `,
    registry: [
      "services/registry.ts",
      /^\];/m,
      `{ name: "reverse", summary: "", example: { words: "", does: "" }, load: async () => (await import("./reverse.ts")).reverse },`,
    ],
  },
  {
    file: "framing/netstring.ts",
    text: `
      import { delimiterCodec } from "./delimiter.ts";
      export const netstringCodec = (limits) => delimiterCodec(Uint8Array.of(44), limits);
    `,
    registry: [
      "framing/parse_framing.ts",
      /^\];/m,
      `{ name: "netstring", forms: ["netstring"], create: (_, max = 100) => netstringCodec(limitsOf(max)) },`,
    ],
  },
  {
    file: "probe/reverse.ts",
    text: `
      import { unexpected } from "./probe.ts";
      import { openWire } from "./wire.ts";
      export async function probe(context) {
        await using wire = await openWire(context);
        await wire.write("abc,");
        const [first] = await wire.exactly(4);
        if (first !== 99) throw unexpected(context.target, "does not reverse");
        return { reverses: true };
      }
    `,
    registry: [
      "probe/registry.ts",
      /^\];/m,
      `{ schemes: ["reverse"], ports: { reverse: 8888 }, load: () => import("./reverse.ts") },`,
    ],
  },
  {
    file: "net/layers/shift.ts",
    text: `
      const shifted = (bytes, by) => bytes.map((byte) => byte + by);
      export const shift = {
        name: "shift",
        replacesPeer: false,
        wrap: (inner) => Promise.resolve({
          transport: {
            async read(bytes) {
              const count = await inner.read(bytes);
              bytes.set(shifted(bytes.subarray(0, count ?? 0), -1));
              return count;
            },
            write: (bytes) => inner.write(shifted(bytes, 1)),
            closeWrite: () => inner.closeWrite(),
            close: () => inner.close(),
          },
        }),
      };
    `,
  },
];

Deno.test("a service, a framing, a probe and a layer are each one file and one line of a registry", async () => {
  const root = await Deno.makeTempDir();
  try {
    await copySources(fromFileUrl("../../src"), `${root}/src`);
    for (const { file, text, registry } of ADDED) {
      await Deno.writeTextFile(`${root}/src/${file}`, text);
      if (registry === undefined) continue;
      const [path, before, line] = registry;
      const source = await Deno.readTextFile(`${root}/src/${path}`);
      const imported = file.startsWith("framing/") ? `import { netstringCodec } from "./netstring.ts";\n` : "";
      await Deno.writeTextFile(`${root}/src/${path}`, imported + source.replace(before, (end) => `${line}\n${end}`));
    }
    const load = (path: string) => import(`file://${root}/src/${path}`);
    const [{ startService }, { dial }, { check }, { shift }] = await Promise.all([
      load("testing.ts"),
      load("mod.ts"),
      load("probe/mod.ts"),
      load("net/layers/shift.ts"),
    ]);
    await using plain = await startService("reverse");
    const { state, facts } = await check(`reverse://127.0.0.1:${plain.endpoint.port}`, { timeout: "30s" });
    assertEquals([state, facts.reverses], ["ready", true]);
    await using server = await startService("reverse", [], { layers: [shift] });
    await using session = await dial(server.endpoint, { framing: "netstring", layers: [shift] });
    session.send("hello");
    const [message] = await session.receive();
    assertEquals(new TextDecoder().decode(message.data), "olleh");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

async function copySources(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copySources(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
