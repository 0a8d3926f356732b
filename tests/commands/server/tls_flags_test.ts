import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../src/base/errors.ts";
import { tlsContextOf } from "../../../src/commands/server/tls_flags.ts";
import { Logger, setLogTarget } from "../../../src/log/logger.ts";
import { CertificateFiles } from "../../support/certificate_files.ts";
import { Reloads } from "../../support/reloads.ts";

const NONE = { tlsCert: undefined, tlsKey: undefined, tlsClientCa: undefined, alpn: [], handshakeTimeout: 5_000 };
type Flags = Parameters<typeof tlsContextOf>[0];

function contextOf(
  flags: { readonly [K in keyof Flags]?: Readonly<Flags[K]> },
  endpoints: readonly string[],
  reload = new Reloads(),
) {
  return tlsContextOf({ ...NONE, ...flags, alpn: [...flags.alpn ?? []] }, endpoints, {
    reload,
    log: Logger.of("test"),
  });
}

Deno.test("tlsContextOf() is undefined without a TLS endpoint, and rejects flags that need one", async () => {
  const plain = ["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"];
  assertEquals(await contextOf({}, plain), undefined);
  for (
    const [flags, name] of [
      [{ tlsCert: "a" }, "tls-cert"],
      [{ tlsKey: "a" }, "tls-key"],
      [{ tlsClientCa: "a" }, "tls-client-ca"],
      [{ alpn: ["a"] }, "alpn"],
    ] as const
  ) {
    await assertRejects(() => contextOf(flags, plain), UsageError, `--${name} requires a tls:// or wss:// endpoint`);
  }
});

Deno.test("tlsContextOf() requires a certificate and its key for a TLS endpoint", async () => {
  for (const endpoint of ["tls://127.0.0.1:0", "wss://127.0.0.1:0/"]) {
    for (const flags of [{}, { tlsCert: "a" }, { tlsKey: "a" }]) {
      const message = `${endpoint} needs --tls-cert FILE and --tls-key FILE`;
      await assertRejects(() => contextOf(flags, ["tcp://127.0.0.1:0", endpoint]), UsageError, message);
    }
  }
});

Deno.test("tlsContextOf() names the file that it cannot read", async () => {
  await using files = await CertificateFiles.create();
  const [tlsCert, tlsKey] = [files.path("cert.pem"), files.path("key.pem")];
  for (
    const [flags, what] of [
      [{ tlsCert: "/none", tlsKey }, "the certificate /none"],
      [{ tlsCert, tlsKey: "/none" }, "the private key /none"],
      [{ tlsCert, tlsKey, tlsClientCa: "/none" }, "the CA certificates of clients /none"],
    ] as const
  ) {
    await assertRejects(() => contextOf(flags, ["tls://127.0.0.1:0"]), UsageError, `Cannot read ${what}: no such file`);
  }
});

Deno.test("tlsContextOf() reloads the certificate, and keeps the old one if the new one is invalid", async () => {
  await using files = await CertificateFiles.create();
  const lines: string[] = [];
  setLogTarget({
    isEnabled: () => true,
    write({ level, text, fields: { names, error } }) {
      lines.push([level, text, names ?? String(error).replace(/\/\S*\//, "")].join(" "));
    },
  });
  const flags = { tlsCert: files.path("cert.pem"), tlsKey: files.path("key.pem") };
  const reload = new Reloads();
  const context = await contextOf(flags, ["tls://127.0.0.1:0"], reload);
  const first = context?.certificate;
  await files.issue("cert.pem", "key.pem", { hosts: ["reloaded.test"] });
  await reload.run();
  const second = context?.certificate;
  await files.write("cert.pem", "nonsense");
  await reload.run();
  assertEquals([first === second, context?.certificate === second, second?.names], [false, true, ["reloaded.test"]]);
  assertEquals(lines.map((line) => line.replace(/(keeping the old one).*/, "$1")), [
    `info certificate in use ${first?.names.join(",")}`,
    "info certificate in use reloaded.test",
    "error cannot reload the certificate; keeping the old one",
  ]);
});
