/**
 * The chat page in a real browser, beside `nc` in the same room. Screenshots
 * for people are left in tests/e2e/out/.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { launchBrowser, openPage } from "../support/browser.ts";
import { type RunningProgram, runProgram, startProgram } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";
import { messages, Netcat, OUT, say, screenshot, sees, startChat } from "./support.ts";

toolTest("chromium", "the chat page: two pages and nc in one room, through a restart of the server", async () => {
  await Deno.mkdir(OUT, { recursive: true });
  const folder = await Deno.makeTempDir();
  let running: RunningProgram | undefined;
  try {
    const first = await startChat(folder, ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"]);
    running = first.server;
    const [tcp = "", ws = ""] = first.bound;
    const address = ws.replace("ws:", "http:");
    await using browser = await launchBrowser();
    const { page: ada, complaints } = await openPage(browser, address, { nick: "ada" });
    const { page: bob, complaints: complaintsOfBob } = await openPage(browser, address, {
      nick: "bob",
      width: 390,
      height: 780,
      colorScheme: "dark",
    });
    const expected: string[] = [];
    const everyoneSees = async (text: string) => {
      expected.push(text);
      await Promise.all([sees(ada, text), sees(bob, text)]);
    };

    {
      await using nc = new Netcat(tcp);
      await nc.sees("Welcome to Parley");
      await nc.say("/nick carol");
      await nc.say("hello from nc");
      await everyoneSees("hello from nc");
      await say(ada, "hello from ada, carol");
      await everyoneSees("hello from ada, carol");
      await nc.sees("[#lobby] ada: hello from ada, carol");
      await say(bob, "hello from bob to ada");
      await everyoneSees("hello from bob to ada");
      await nc.sees("[#lobby] bob: hello from bob to ada");
      assertEquals(await ada.locator(".mentioned mark").textContent(), "ada");

      const attack = `<script>document.title = "stolen"</script><img src=x onerror="document.title='stolen'">`;
      await nc.say(attack);
      await everyoneSees(attack);
      assertEquals(await ada.locator("#log script, #log img").count(), 0);
      assertEquals((await ada.title()).includes("stolen"), false);
      assertEquals(await ada.locator("#people .person").count(), 3);
      await screenshot(ada, "chat-light");
      await screenshot(bob, "chat-narrow-dark");
    }

    // A second before the end, one message of nc is stored that both pages have.
    running.kill("SIGKILL");
    await running.outcome();
    await ada.waitForSelector("body[data-state=waiting]");
    await bob.waitForSelector("body[data-state=waiting]");
    await say(ada, "typed while the server was away");
    await ada.locator(".message.sending").waitFor();
    await screenshot(ada, "chat-reconnecting");

    running = (await startChat(folder, [tcp, ws])).server;
    {
      // Messages sent before the pages have reconnected are those that they missed.
      await using nc = new Netcat(tcp);
      await nc.sees("Welcome to Parley");
      await nc.say("said while the pages were away");
      await Promise.all([ada.click("#retry", { timeout: 2_000 }), bob.click("#retry", { timeout: 2_000 })])
        .catch(() => {
          // They tried by themselves in the meantime.
        });
      await Promise.all([sees(ada, "said while the pages"), sees(bob, "said while the pages")]);
      await Promise.all([sees(ada, "typed while"), sees(bob, "typed while")]);
      await nc.sees("ada: typed while the server was away");
    }
    await ada.waitForSelector("body[data-state=online]");
    await bob.waitForSelector("body[data-state=online]");
    await say(bob, "after the restart");
    await everyoneSees("after the restart");

    const shown = await messages(ada);
    assertEquals(shown, await messages(bob));
    for (const text of [...expected, "said while the pages were away", "typed while the server was away"]) {
      assertEquals(shown.filter((each) => each === text).length, 1, `"${text}" once in ${JSON.stringify(shown)}`);
    }
    assertEquals(shown.length, expected.length + 2);
    await screenshot(ada, "chat-resumed");

    await say(ada, "/join #design");
    await ada.locator("#title", { hasText: "#design" }).waitFor();
    await say(bob, "ada, come back");
    await ada.locator(".conversation .badge.mention").waitFor();
    assertStringIncludes(await ada.title(), "(1)");
    await ada.keyboard.press("Alt+ArrowUp");
    await ada.locator(".separator.new").waitFor();
    await screenshot(ada, "chat-unread-mark");

    await bob.click("#show-side");
    await bob.locator("#rooms .conversation").first().waitFor();
    await screenshot(bob, "chat-narrow-rooms");
    assertEquals([...complaints, ...complaintsOfBob], []);
  } finally {
    await running?.[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

toolTest("chromium", "the chat page: scrolling back loads older messages, in order and once", async () => {
  const server = startProgram("server", ["chat", "tcp://127.0.0.1:0", "ws://127.0.0.1:0", "--print-endpoint"]);
  try {
    const tcp = await server.line();
    const address = (await server.line()).replace("ws:", "http:");
    await using nc = new Netcat(tcp);
    await nc.sees("Welcome to Parley");
    const texts = Array.from({ length: 130 }, (_, index) => `line ${index + 1} of many`);
    for (const text of texts) await nc.say(text);
    await using browser = await launchBrowser();
    const { page, complaints } = await openPage(browser, address, { nick: "ada" });
    await sees(page, "line 130 of many");
    // The first stored message is the first one shown once all have arrived.
    for (let tries = 0; tries < 20 && !(await messages(page)).includes("line 1 of many"); tries++) {
      const before = (await messages(page)).length;
      await page.locator("#scroller").evaluate((scroller) => scroller.scrollTop = 0);
      // More are there, or the last of them came before they were counted.
      const first = page.getByText("line 1 of many", { exact: true });
      await page.locator(".message .body").nth(before).or(first).first().waitFor();
    }
    assertEquals(await messages(page), texts);
    assert(await page.locator("#older").isHidden());
    assertEquals(complaints, []);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: it can be used by the keyboard alone", async () => {
  const server = startProgram("server", ["chat", "ws://127.0.0.1:0", "--print-endpoint"]);
  try {
    const address = (await server.line()).replace("ws:", "http:");
    await using browser = await launchBrowser();
    const { page, complaints } = await openPage(browser, address, { nick: "ada" });
    await page.keyboard.press("Tab");
    assertEquals(await page.evaluate("document.activeElement?.textContent"), "Skip to the message box");
    await page.keyboard.press("Enter");
    await page.keyboard.type("/me types");
    await page.keyboard.press("Enter");
    await sees(page, "ada types");
    const unlabelled = await page.evaluate(`
      [...document.querySelectorAll("button, input, textarea")].filter((element) =>
        !(element.getAttribute("aria-label") ?? element.textContent.trim()) &&
        !document.querySelector(\`label[for="\${element.id}"]\`)
      ).map((element) => element.id)
    `);
    assertEquals(unlabelled, []);
    assertEquals(await page.locator("#log").getAttribute("role"), "log");
    await page.focus("#rename");
    await page.keyboard.press("Enter");
    await page.keyboard.type("grace");
    await page.keyboard.press("Enter");
    await page.locator("#me-nick", { hasText: "grace" }).waitFor();
    assertEquals(complaints, []);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: if a login is required, it prompts for name and password", async () => {
  const folder = await Deno.makeTempDir();
  const hashed = await runProgram("server", ["hash-password", "ada"], { input: "correct horse\n" });
  await Deno.writeTextFile(`${folder}/names`, hashed.stdout);
  const args = ["chat", "ws://127.0.0.1:0", "--auth", `${folder}/names`, "--print-endpoint", "--log-level", "debug"];
  const server = startProgram("server", args, { permissions: ["-N", `--allow-read=${folder}`] });
  try {
    const address = (await server.line()).replace("ws:", "http:");
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    await page.goto(address);
    await page.fill("#login-name", "ada");
    await page.fill("#login-password", "wrong");
    await page.press("#login-password", "Enter");
    await page.locator("#login-error", { hasText: "wrong" }).waitFor();
    await page.fill("#login-password", "correct horse");
    await page.press("#login-password", "Enter");
    await page.waitForSelector("body[data-state=online]");
    await page.locator("#me-nick", { hasText: "ada" }).waitFor();
    await say(page, "let in");
    await sees(page, "let in");
    // Who types for longer than the server waits is let in all the same.
    const slow = await (await browser.newContext()).newPage();
    await slow.goto(address);
    await slow.waitForSelector("#login-dialog[open]");
    await slow.locator("body[data-state=connecting] #login-name").waitFor();
    await server.errorLine(/disconnected.*log-in timeout/);
    await slow.fill("#login-name", "ada");
    await slow.fill("#login-password", "correct horse");
    await slow.press("#login-password", "Enter");
    await slow.locator("#me-nick", { hasText: "ada_2" }).waitFor();
  } finally {
    await server[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});
