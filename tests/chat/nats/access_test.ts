import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ParleyError } from "@parley/parley";
import { ChatError } from "../../../src/chat/chat_error.ts";
import type { Receipt } from "../../../src/chat/history.ts";
import type { NatsTrust } from "../../../src/chat/nats/connect_nats.ts";
import { FakeSession } from "../../support/fake_session.ts";
import { withinTime } from "../../support/give_back.ts";
import { joinHub, joinTestCluster } from "../../support/nats_cluster.ts";
import { createCredentials } from "../../support/nats_credentials.ts";
import { NatsServer } from "../../support/nats_server.ts";
import { fromFileUrl } from "../../support/paths.ts";
import { toolTest } from "../../support/tools.ts";

/** The server's address with something before or in place of its parts. */
function at(nats: NatsServer, { scheme = "nats", user = "", host = "127.0.0.1" } = {}): string {
  return `${scheme}://${user === "" ? "" : `${user}@`}${host}:${new URL(nats.url).port}`;
}

async function worksWith(url: string, trust?: NatsTrust): Promise<void> {
  const { history, directory } = await joinTestCluster(url, { trust });
  await using _history = history;
  await using _directory = directory;
  const log = await history.open("#a", () => {});
  const receipt = await new Promise<unknown>((resolve) => log.publish({ from: "ann", text: "x" }, resolve)) as Receipt;
  assertEquals(receipt.seq, 1);
}

async function failsWith(
  url: string,
  trust: NatsTrust,
  expected: { name: string; text: string },
): Promise<void> {
  const error = await assertRejects(() => joinTestCluster(url, { trust }));
  assert(error instanceof ParleyError);
  assertEquals(error.name, expected.name, error.message);
  assertStringIncludes(error.message, expected.text);
  assert(!error.message.includes("\n") && !error.message.includes("s3cret"), error.message);
}

Deno.test("--cluster reports an unknown host as other commands do (fault 54)", async () => {
  const text = 'Cannot use NATS at no.invalid:4222: cannot resolve "no.invalid": ';
  await failsWith("nats://no.invalid:4222", {}, { name: "ResolveError", text });
});

toolTest("nats-server", "--cluster logs in with a name and a password, or with a token", async () => {
  const refused = { name: "PermissionError", text: "it rejects the login" };
  await using named = await NatsServer.startWith("authorization { user: bob, password: s3cret }");
  await worksWith(at(named, { user: "bob:s3cret" }));
  await failsWith(at(named, { user: "bob:s3cretly" }), {}, refused);
  await failsWith(at(named), {}, refused);
  await using token = await NatsServer.startWith("authorization { token: s3cret }");
  await worksWith(at(token, { user: "s3cret" }));
  await failsWith(at(token, { user: "s3cretly" }), {}, refused);
});

toolTest("nats-server", "--cluster-creds logs in with a credentials file", async () => {
  const { config, creds, strangerCreds } = createCredentials();
  await using nats = await NatsServer.startWith(config);
  const credentials = (text: string) => ({ credentials: new TextEncoder().encode(text) });
  await worksWith(at(nats), credentials(creds));
  await failsWith(at(nats), credentials(strangerCreds), { name: "PermissionError", text: "it rejects the login" });
  await failsWith(at(nats), credentials("none"), { name: "UsageError", text: "invalid credentials file" });
  await failsWith(at(nats), {}, { name: "PermissionError", text: "it rejects the login" });
});

/** The configuration of the manual, for a user with the rights that the servers need. */
async function readmeConfig(): Promise<string> {
  const readme = await Deno.readTextFile(fromFileUrl("../../src/manual/cluster.md"));
  const [, config = ""] = /^```hcl\n(authorization [^]*?)^```$/m.exec(readme) ?? [];
  return config.replace("change me", "s3cret");
}

/** Tries again what is refused as `not-stored`. */
async function untilDone(attempt: () => unknown): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return void await attempt();
    } catch (error) {
      if (tries === 10 || !(error instanceof ChatError && error.code === "not-stored")) throw error;
    }
  }
}

toolTest("nats-server", "the permissions that the manual lists for the servers' user are sufficient", async () => {
  await using nats = await NatsServer.startWith(await readmeConfig());
  const url = at(nats, { user: "parley:s3cret" });
  await using left = await joinHub(url);
  await using right = await joinHub(url);
  const [ann, bob] = [left.enter(new FakeSession()), right.enter(new FakeSession())];
  const [annHears, bobHears] = [ann.session as FakeSession, bob.session as FakeSession];
  await left.renaming.rename(ann, "ann");
  await right.renaming.rename(bob, "bob");
  await left.join(ann, "#lobby");
  await right.join(bob, "#lobby");
  await annHears.sent(/^\* bob joined/);
  const room = left.roomOf(ann);
  const publish = (text: string, id?: string) =>
    new Promise<Receipt>((resolve, reject) =>
      left.say(ann, room, { text, id }, (outcome) => outcome instanceof ChatError ? reject(outcome) : resolve(outcome))
    );
  const receipts = await Promise.all(Array.from({ length: 600 }, (_, index) => publish(`m${index}`, `id${index}`)));
  assertEquals((await room.log.after(receipts[4]?.seq ?? 0, 3))?.map(({ text }) => text), ["m5", "m6", "m7"]);
  assertEquals((await room.log.last(2, receipts[9]?.seq ?? 0)).map(({ text }) => text), ["m8", "m9"]);
  assertEquals((await publish("m3", "id3")).isDuplicate, true);
  await left.sayPrivately(ann, "bob", "psst");
  await bobHears.sent(/psst/);
  await room.log.decide({ action: "topic", by: "ann", topic: "tea" });
  await bobHears.sent(/tea/);
  // After a loss of all data, a server that needs longer than the lease to come back is considered lost: its member then
  // leaves, and joins under the new name. The next name is announced as one.
  const untilRenameIsHeard = async (prefix: string) => {
    for (let tries = 1;; tries++) {
      const name = `${prefix}${tries}`;
      await untilDone(() => right.renaming.rename(bob, name));
      const heard = annHears.sent(new RegExp(`^\\* bob\\S* is now ${name}`));
      if (await withinTime(heard.then(() => true), "the new name").catch(() => false)) return;
      assert(tries < 5, "no new name was heard");
    }
  };
  // NATS returns with its data, and then without any: everything is created again.
  for (const isCleared of [false, true]) {
    await nats.kill();
    if (isCleared) await nats.clear();
    await nats.restart();
    // A busy machine may need longer than a message waits.
    await untilDone(() => publish(`after ${isCleared}`, `after ${isCleared}`));
    await bobHears.sent(new RegExp(`after ${isCleared}$`));
    await untilRenameIsHeard(`bob${isCleared}`);
  }
});

toolTest("nats-server", "a right that is missing is named, at the start", async () => {
  const config = await readmeConfig();
  for (
    const missing of [
      "$JS.API.STREAM.INFO.PARLEY",
      "$KV.parley_presence.>",
      "$JS.API.CONSUMER.*.KV_parley_rooms.>",
    ]
  ) {
    await using nats = await NatsServer.startWith(config.replace(`"${missing}"`, `"other.${crypto.randomUUID()}"`));
    await failsWith(at(nats, { user: "parley:s3cret" }), {}, {
      name: "PermissionError",
      text: missing.replace(/\*.*$/, "").replace(/>$/, ""),
    });
  }
});

toolTest("nats-server", "without permission to publish, a message is rejected at once, with the reason", async () => {
  const config = await readmeConfig();
  await using nats = await NatsServer.startWith(config.replaceAll('"parley.room.>"', '"other.>"'));
  const { history, directory } = await joinTestCluster(at(nats, { user: "parley:s3cret" }));
  await using _history = history;
  await using _directory = directory;
  const log = await history.open("#a", () => {});
  const outcomes = await Promise.all(["x", "y"].map((text) => {
    return new Promise<unknown>((resolve) => log.publish({ from: "ann", text }, resolve));
  }));
  for (const outcome of outcomes) {
    assert(outcome instanceof ChatError);
    assertEquals(outcome.code, "not-stored");
    assertStringIncludes(outcome.message, "Nothing was stored: Permissions Violation for Publish");
  }
});
