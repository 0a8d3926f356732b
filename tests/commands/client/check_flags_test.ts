import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/base/errors.ts";
import { parseFlags } from "../../../src/cli/parse_flags.ts";
import { EXPECTATION_FLAGS, expectationsOf } from "../../../src/commands/client/check_flags.ts";
import { HANDSHAKE_FLAGS, handshakeHeaders, readsVariables } from "../../../src/commands/client/handshake_flags.ts";
import { tlsEndpoint } from "../../../src/commands/client/tls_flags.ts";
import { formatEndpoint, parseEndpoint } from "../../../src/net/endpoint.ts";
import { withFile } from "../../support/temporary.ts";

async function expectationsFor(...words: string[]) {
  return await expectationsOf(
    parseFlags(words, EXPECTATION_FLAGS).flags as unknown as Parameters<typeof expectationsOf>[0],
  );
}

async function headersFor(...words: string[]) {
  return await handshakeHeaders(
    parseFlags(words, HANDSHAKE_FLAGS).flags as unknown as Parameters<typeof handshakeHeaders>[0],
  );
}

const VARIABLE = "PARLEY_TEST_CREDENTIALS";

/** Sets a variable while `use` runs. */
async function withVariable(value: string, use: () => Promise<void>): Promise<void> {
  Deno.env.set(VARIABLE, value);
  try {
    await use();
  } finally {
    Deno.env.delete(VARIABLE);
  }
}

Deno.test("expectationsOf() expects nothing without flags", async () => {
  const expectations = await expectationsFor();
  const given = Object.entries(expectations).filter(([, value]) => value !== undefined);
  assertEquals(Object.fromEntries(given.filter(([name]) => name !== "tls")), {
    subprotocols: [],
    headers: [],
    responseHeaders: [],
    handshakeTimeout: 5_000,
  });
});

Deno.test("expectationsOf() has the value of each flag", async () => {
  const expectations = await expectationsFor(
    ...["--send", "a\\n", "--banner", "^b", "--stable-for", "3ms", "--min-days", "4", "--min-tls", "1.3"],
    ...["--subprotocol", "c", "--status", "201", "--method", "HEAD", "--header", "D: e", "--body", "f"],
    ...["--response-header", "L: m", "--body-regex", "^g", "--body-json", "h=i", "--max-redirects", "5"],
    ...["--login", "url", "--alpn", "j", "--tls-name", "k", "--tls-insecure", "--starttls", "smtp"],
    ...["--handshake-timeout", "6ms"],
  );
  assertEquals(expectations, {
    ...{ send: new TextEncoder().encode("a\n"), banner: /^b/m, stableFor: 3, minDays: 4, minTls: "TLSv1.3" },
    ...{ subprotocols: ["c"], status: "201", method: "HEAD", headers: ["D: e"], body: "f", bodyRegex: /^g/m },
    ...{ responseHeaders: ["L: m"], bodyJson: "h=i", maxRedirects: 5, login: "url", handshakeTimeout: 6 },
    tls: {
      ...{ ca: undefined, cert: undefined, key: undefined, insecure: true, serverName: "k", alpn: ["j"] },
      startTls: "smtp",
    },
  });
});

Deno.test("expectationsOf() reads each file of the TLS flags", async () => {
  await withFile("pem", async (path) => {
    const flags = ["--tls-ca", path, "--tls-cert", path, "--tls-key", path];
    const { tls } = await expectationsFor(...flags);
    assertEquals([tls?.ca, tls?.cert, tls?.key], ["pem", "pem", "pem"]);
  });
  for (const [flag, what] of [["--tls-ca", "CA certificates"], ["--tls-cert", "client certificate"]] as const) {
    const others = flag === "--tls-ca" ? [] : ["--tls-key", "/none"];
    await assertRejects(() => expectationsFor(flag, "/none", ...others), UsageError, `Cannot read the ${what} /none`);
  }
  for (const flag of ["--tls-cert", "--tls-key"]) {
    await assertRejects(() => expectationsFor(flag, "/none"), UsageError, "--tls-cert and --tls-key must be given");
  }
  await assertRejects(() => expectationsFor("--tls-ca", "/none", "--tls-insecure"), UsageError, "cannot be combined");
});

Deno.test("expectationsOf() reads --login from a variable or a file, without the line end", async () => {
  const login = async (from: string) => (await expectationsFor("--login", from)).login;
  await withFile("ann:se:cret \r\n", async (path) => {
    assertEquals(await login(`file:${path}`), { user: "ann", password: "se:cret " });
  });
  await withFile(":only\n", async (path) => {
    assertEquals(await login(`file:${path}`), { user: "", password: "only" });
  });
  await withVariable("bearer abc", async () => {
    assertEquals(await login(`env:${VARIABLE}`), { user: "", password: "abc", token: "abc" });
  });
});

Deno.test("expectationsOf() rejects a --login that it cannot read, and does not show what it holds", async () => {
  const rejected = async (from: string, message: string) => {
    await assertRejects(() => expectationsFor("--login", from), UsageError, `--login${message}`);
  };
  await rejected("env:", " takes url, env:NAME or file:PATH, not the credentials themselves");
  await rejected("ann:secret", " takes url, env:NAME or file:PATH, not the credentials themselves");
  await rejected("env:a b", ': the name of a variable must follow "env:"');
  await rejected(`env:${VARIABLE}`, `: the environment variable ${VARIABLE} is not set`);
  await withVariable("secret", async () => {
    const form = 'contains neither user:password nor "Bearer TOKEN"; write a password alone as :password';
    await rejected(`env:${VARIABLE}`, `: env:${VARIABLE} ${form}`);
  });
});

Deno.test("handshakeHeaders() has the fields of --header, --cookie and --bearer", async () => {
  assertEquals(await headersFor(), []);
  assertEquals(await headersFor("--header", "A:b c ", "--header", "D:", "--cookie", "e=f", "--cookie", "g="), [
    ["A", "b c"],
    ["D", ""],
    ["Cookie", "e=f; g="],
  ]);
  await withFile("abc.def==\n", async (path) => {
    assertEquals(await headersFor("--bearer", `file:${path}`), [["Authorization", "Bearer abc.def=="]]);
  });
  await withVariable("abc", async () => {
    assertEquals(await headersFor("--bearer", `env:${VARIABLE}`), [["Authorization", "Bearer abc"]]);
  });
});

Deno.test("handshakeHeaders() rejects what is no header, cookie or token", async () => {
  for (const header of ["nonsense", ": a", "A B: c"]) {
    await assertRejects(() => headersFor("--header", header), UsageError, "that is not 'NAME: VALUE'");
  }
  for (const cookie of ["nonsense", "=a", "a b=c", "a=b;c", "a=b c"]) {
    await assertRejects(() => headersFor("--cookie", "good=1", "--cookie", cookie), UsageError, "not NAME=VALUE");
  }
  await withVariable("two words", async () => {
    const message = `--bearer: env:${VARIABLE} does not contain a bearer token`;
    await assertRejects(() => headersFor("--bearer", `env:${VARIABLE}`), UsageError, message);
  });
  const unset = `--bearer: the environment variable ${VARIABLE} is not set`;
  await assertRejects(() => headersFor("--bearer", `env:${VARIABLE}`), UsageError, unset);
  await assertRejects(() => headersFor("--bearer", "abc"), UsageError, "--bearer takes env:NAME or file:PATH");
  const misnamed = '--bearer: the name of a variable must follow "env:"';
  await assertRejects(() => headersFor("--bearer", "env:A=B"), UsageError, misnamed);
});

Deno.test("readsVariables() is true for --bearer env: and --proxy env alone", () => {
  const reading = [{}, { bearer: "file:a" }, { bearer: "env:A" }, { proxy: ["socks5://a:1"] }, { proxy: ["env"] }];
  assertEquals(reading.map(readsVariables), [false, false, true, false, true]);
});

Deno.test("tlsEndpoint() turns tcp into tls with --starttls, and rejects other transports", () => {
  const shown = (text: string, starttls?: "smtp") => formatEndpoint(tlsEndpoint(parseEndpoint(text), { starttls }));
  assertEquals(shown("tcp://a:1"), "tcp://a:1");
  assertEquals(shown("ws://a:1/"), "ws://a:1/");
  assertEquals(shown("tcp://a:1", "smtp"), "tls://a:1");
  assertEquals(shown("tls://a:1", "smtp"), "tls://a:1");
  assertThrows(() => shown("ws://a:1/", "smtp"), UsageError, "--starttls smtp needs a tcp or tls endpoint, not ws");
});
