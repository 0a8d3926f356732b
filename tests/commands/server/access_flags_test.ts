import { assertEquals, assertRejects } from "@std/assert";
import { messageOf, UsageError } from "../../../src/base/errors.ts";
import { authenticatorOf, authorizerOf, gateOf } from "../../../src/commands/server/access_flags.ts";
import { hashPassword } from "../../../src/guard/password_hash.ts";
import { HttpError } from "../../../src/http/head.ts";
import { basicCredentials } from "../../../src/http/authorization.ts";
import { Logger, setLogTarget } from "../../../src/log/logger.ts";
import { parseEndpoint } from "../../../src/net/endpoint.ts";
import { fakeConnection } from "../../support/fake_transport.ts";
import { Reloads } from "../../support/reloads.ts";
import { withFolder } from "../../support/temporary.ts";

const FLAGS: Parameters<typeof gateOf>[0] & Parameters<typeof authenticatorOf>[0] = {
  allow: [],
  deny: [],
  accessFile: undefined,
  auth: undefined,
  authTimeout: undefined,
  maxPerIp: 1_000,
  connectRate: undefined,
  limitLoopback: false,
};

const log = Logger.of("test");

/** Gives a file to a test, and returns what was logged. */
async function withFile(
  text: string,
  use: (file: string, context: { reload: Reloads; log: Logger }) => Promise<void>,
): Promise<string[]> {
  const lines: string[] = [];
  setLogTarget({
    isEnabled: () => true,
    write({ level, text, fields: { file: _, context: _context, ...fields } }) {
      lines.push([level, text, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(" "));
    },
  });
  return await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, text);
    await use(`${folder}/file`, { reload: new Reloads(), log });
    return lines.map((line) => line.replaceAll(folder, "<folder>").replace(" connection=1 peer=tcp://10.0.0.1:1", ""));
  });
}

Deno.test("gateOf() joins the ranges of --allow and --deny with those of --access-file", async () => {
  const logged = await withFile("allow 10.2.0.0/16\ndeny 10.1.0.2\n", async (accessFile, context) => {
    const gate = await gateOf({ ...FLAGS, allow: ["10.1.0.0/16"], deny: ["10.2.0.2"], accessFile }, context);
    const addresses = ["10.1.0.1", "10.1.0.2", "10.2.0.1", "10.2.0.2", "10.3.0.1"];
    assertEquals(addresses.filter((address) => gate.enter(address) === undefined), ["10.1.0.1", "10.2.0.1"]);
  });
  assertEquals(logged, []);
});

Deno.test("gateOf() has an access list with --allow, --deny or --access-file alone, and otherwise none", async () => {
  const context = { reload: new Reloads(), log };
  const admits = async (flags: Partial<typeof FLAGS>) => {
    const gate = await gateOf({ ...FLAGS, ...flags }, context);
    return ["10.0.0.1", "10.0.0.2"].filter((address) => gate.enter(address) === undefined);
  };
  assertEquals(await admits({}), ["10.0.0.1", "10.0.0.2"]);
  assertEquals(await admits({ allow: ["10.0.0.1"] }), ["10.0.0.1"]);
  assertEquals(await admits({ deny: ["10.0.0.1"] }), ["10.0.0.2"]);
  assertEquals(context.reload.all, []);
});

Deno.test("gateOf() reloads --access-file, and keeps the old ranges if it is invalid or missing", async () => {
  const logged = await withFile("allow 10.0.0.1\n", async (accessFile, context) => {
    const gate = await gateOf({ ...FLAGS, accessFile }, context);
    const admits = () => ["10.0.0.1", "10.0.0.2"].filter((address) => gate.enter(address) === undefined);
    assertEquals(admits(), ["10.0.0.1"]);
    await Deno.writeTextFile(accessFile, "allow 10.0.0.2\n");
    await context.reload.run();
    assertEquals(admits(), ["10.0.0.2"]);
    await Deno.writeTextFile(accessFile, "nonsense\n");
    await context.reload.run();
    assertEquals(admits(), ["10.0.0.2"]);
    await Deno.writeTextFile(accessFile, "# none\n");
    await context.reload.run();
    assertEquals(admits(), ["10.0.0.1", "10.0.0.2"]);
  });
  assertEquals(logged.map((line) => line.replace(/(error=).*, line 1.*/, "$1<line 1>")), [
    "info address ranges reloaded",
    "error cannot reload the address ranges; keeping the old ones error=<line 1>",
    "warning the file of --access-file has no ranges: all addresses are allowed",
    "info address ranges reloaded",
  ]);
});

Deno.test("gateOf() limits by address as --max-per-ip, --connect-rate and --limit-loopback say", async () => {
  const context = { reload: new Reloads(), log };
  const admitted = async (flags: Partial<typeof FLAGS>, address: string) => {
    const gate = await gateOf({ ...FLAGS, ...flags }, context);
    return Array.from({ length: 4 }, () => gate.enter(address)).filter((refusal) => refusal === undefined).length;
  };
  assertEquals(await admitted({ maxPerIp: 2 }, "10.0.0.1"), 2);
  assertEquals(await admitted({ maxPerIp: 2 }, "127.0.0.1"), 4);
  assertEquals(await admitted({ maxPerIp: 2, limitLoopback: true }, "127.0.0.1"), 2);
  assertEquals(await admitted({ connectRate: 1 }, "10.0.0.1"), 1);
  assertEquals(await admitted({ connectRate: 1 }, "127.0.0.1"), 4);
});

Deno.test("authenticatorOf() reloads --auth, and keeps the old names if the file is invalid", async () => {
  const hash = await hashPassword("secret");
  const logged = await withFile("# none\n", async (auth, context) => {
    const authenticator = await authenticatorOf({ ...FLAGS, auth }, context);
    await Deno.writeTextFile(auth, `ann:${hash}\n`);
    await context.reload.run();
    await Deno.writeTextFile(auth, "nonsense\n");
    await context.reload.run();
    assertEquals((await authenticator?.verify("ann", "secret", "10.0.0.1"))?.name, "ann");
  });
  assertEquals(logged, [
    "warning no one can log in: the file of --auth has no entry",
    "info names reloaded names=1",
    "error cannot reload the names; keeping the old ones error=<folder>/file, line 1: " +
    "expected NAME:HASH or NAME:HASH:ROLES, as parley-server hash-password prints it",
  ]);
});

Deno.test("authenticatorOf() needs --auth for --auth-timeout, and returns nothing without both", async () => {
  const context = { reload: new Reloads(), log };
  assertEquals(await authenticatorOf(FLAGS, context), undefined);
  const flags = { ...FLAGS, authTimeout: 5 };
  await assertRejects(() => authenticatorOf(flags, context), UsageError, "--auth-timeout requires --auth");
});

const TOKEN = "0123456789abcdef";
const WS = ["ws://127.0.0.1:0/", "wss://127.0.0.1:0/"];
const ANN = {
  verify: (name: string, password: string, address: string) =>
    Promise.resolve(
      name === "ann" && password === "secret" && address === "10.0.0.1" ? { name, roles: ["of ann"] } : undefined,
    ),
};

/** The identity of a field, or the refusal. */
async function answerOf(authorize: Awaited<ReturnType<typeof authorizerOf>>, field: string | undefined) {
  const { connection } = fakeConnection({ remote: parseEndpoint("tcp://10.0.0.1:1") });
  try {
    return (await authorize?.(field, connection))?.name ?? "none";
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return `${error.status} ${messageOf(error)}; ${JSON.stringify(error.responseFields)}`;
  }
}

Deno.test("authorizerOf() takes the tokens of --token-file, which are reloaded", async () => {
  const logged = await withFile(`bob ${TOKEN}\n`, async (tokenFile, context) => {
    const authorize = await authorizerOf({ tokenFile }, WS, { ...context, authenticator: undefined });
    const challenge = '{"WWW-Authenticate":"Bearer"}';
    assertEquals(await answerOf(authorize, `Bearer ${TOKEN}`), "bob");
    assertEquals(await answerOf(authorize, undefined), `401 an Authorization field is required; ${challenge}`);
    assertEquals(await answerOf(authorize, "nonsense"), `401 invalid credentials; ${challenge}`);
    assertEquals(
      await answerOf(authorize, basicCredentials("ann", "secret")),
      `401 invalid credentials; ${challenge}`,
    );
    await Deno.writeTextFile(tokenFile, `cid ${TOKEN}\neve ${TOKEN}e\n`);
    await context.reload.run();
    assertEquals(await answerOf(authorize, `Bearer ${TOKEN}`), "cid");
    await Deno.writeTextFile(tokenFile, "nonsense\n");
    await context.reload.run();
    assertEquals(await answerOf(authorize, `Bearer ${TOKEN}e`), "eve");
  });
  assertEquals(logged, [
    "info logged in name=bob",
    "warning log-in failed name=undefined address=10.0.0.1",
    "warning log-in failed name=ann address=10.0.0.1",
    "info tokens reloaded tokens=2",
    "info logged in name=cid",
    "error cannot reload the tokens; keeping the old ones error=Cannot read <folder>/file, line 1: " +
    "expected NAME TOKEN, with a token of at least 16 characters",
    "info logged in name=eve",
  ]);
});

Deno.test("authorizerOf() takes the names of --auth, or leaves the log-in to the first message", async () => {
  const context = { reload: new Reloads(), log, authenticator: ANN };
  const authorize = await authorizerOf({ tokenFile: undefined }, ["tcp://127.0.0.1:0"], context);
  const challenge = JSON.stringify({ "WWW-Authenticate": 'Basic realm="parley", charset="UTF-8"' });
  assertEquals(await answerOf(authorize, basicCredentials("ann", "secret")), "ann");
  assertEquals(await answerOf(authorize, undefined), "none");
  assertEquals(await answerOf(authorize, basicCredentials("ann", "wrong")), `401 invalid credentials; ${challenge}`);
  assertEquals(await answerOf(authorize, `Bearer ${TOKEN}`), `401 invalid credentials; ${challenge}`);
});

Deno.test("authorizerOf() rejects an endpoint that --token-file alone leaves open", async () => {
  await withFile(`bob ${TOKEN}\n`, async (tokenFile, context) => {
    const endpoints = [...WS, "tcp://127.0.0.1:7000"];
    const open = (authenticator: typeof ANN | undefined) =>
      authorizerOf({ tokenFile }, endpoints, { ...context, authenticator });
    const message = "--token-file does not protect tcp://127.0.0.1:7000: bearer tokens are for ws and wss; add --auth";
    await assertRejects(() => open(undefined), UsageError, message);
    assertEquals(await answerOf(await open(ANN), `Bearer ${TOKEN}`), "bob");
    const none = await authorizerOf({ tokenFile: undefined }, endpoints, { ...context, authenticator: undefined });
    assertEquals(none, undefined);
  });
});
