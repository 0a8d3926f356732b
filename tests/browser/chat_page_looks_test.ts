/** What people see on the chat page, on screens of several sizes, in light and dark. */

import { assert, assertEquals } from "@std/assert";
import axe from "npm:axe-core@4.14.1";
import type { Page } from "../support/browser.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { toolTest } from "../support/tools.ts";
import { messages, Netcat, OUT, say, screenshot, sees, startRooms } from "./support.ts";

/** What breaks layouts: long words and names, other scripts, lines, code, links. */
const TEXTS = [
  "The build is green: https://ci.example.org/runs/214?branch=main&view=summary#log",
  "x".repeat(300),
  "a path /very/long/path/" + "segment/".repeat(30),
  "שלום לכולם, זה משפט בעברית עם מילה English באמצע",
  "🎉 👩‍👩‍👧‍👦 naïve café — “quotes” ½",
  "word ".repeat(100),
  "ada, what does `return x + 1` do?",
];

/** What axe-core finds against WCAG 2.2, levels A and AA. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  // Given to the browser by its debugger: the page's own policy lets no such script in.
  await page.evaluate(axe.source);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const violations = await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(tags)} }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join("; ")))`,
  );
  return violations as string[];
}

async function overflow(page: Page): Promise<unknown> {
  return await page.evaluate(`
    [document.documentElement, document.getElementById("scroller")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ id }) => id)
  `);
}

for (const colorScheme of ["light", "dark"] as const) {
  toolTest("chromium", `the chat page: accessible, and wider than no screen, in ${colorScheme}`, async () => {
    await Deno.mkdir(OUT, { recursive: true });
    const { server, tcp, address } = await startRooms();
    try {
      await using nc = new Netcat(tcp);
      await nc.sees("Welcome to Parley");
      await nc.say("/nick Wolfeschlegelsteinhausenbergerdo");
      await nc.say("/nick Wolfeschlegelsteinhausenberger");
      await nc.say("/nick Wolfeschlegelsteinhausenberge");
      await nc.say("/topic What is left before we say it is done, and who does it: https://example.org/plan/for/all");
      for (const text of TEXTS) await nc.say(text);
      await using browser = await launchBrowser();
      for (const width of [360, 800, 1400]) {
        const { page, complaints } = await openPage(browser, address, { nick: "ada", width, height: 800, colorScheme });
        await say(page, "in three lines:\n```ts\nfunction f(x) {\n  return x + 1;\n}\n```");
        await page.locator(".message:last-child pre", { hasText: "return x + 1" }).waitFor();
        await nc.say(`ada, width ${width}`);
        await sees(page, `ada, width ${width}`);
        assertEquals(await overflow(page), []);
        assertEquals(await accessibilityFaults(page), []);
        await screenshot(page, `chat-${width}-${colorScheme}`);
        await page.click(width < 700 ? "#show-side" : "#browse");
        await page.locator("#browse").waitFor();
        if (width < 700) await page.click("#browse");
        await page.locator("#directory button").first().waitFor();
        assertEquals(await accessibilityFaults(page), []);
        await page.fill("#room-text", "#no-such");
        assertEquals(await page.locator("#directory button").count(), 0);
        await screenshot(page, `chat-rooms-${width}-${colorScheme}`);
        assertEquals(complaints, []);
        await page.context().close();
      }
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
}

toolTest("chromium", "the chat page: it finds an endpoint with a path", async () => {
  const { server, address } = await startRooms("/talk/a%22b");
  try {
    await using browser = await launchBrowser();
    const { page, complaints } = await openPage(browser, address, { nick: "ada" });
    await say(page, "hello");
    await sees(page, "hello");
    assertEquals(complaints, []);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: several lines are one message, links are safe, code is code", async () => {
  const { server, tcp, address } = await startRooms();
  try {
    await using nc = new Netcat(tcp);
    await nc.sees("Welcome to Parley");
    await using browser = await launchBrowser();
    const { page, complaints } = await openPage(browser, address, { nick: "ada" });
    await page.focus("#composer-text");
    await page.keyboard.type("  if (x) {");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("  } // https://example.org/");
    await page.keyboard.press("Enter");
    await sees(page, "if (x) {");
    assertEquals(await messages(page), ["  if (x) {\n  } // https://example.org/"]);
    await nc.sees("[#lobby] ada:   if (x) {\n[#lobby] ada:   } // https://example.org/\n");
    const link = page.locator(".body a");
    assertEquals(await link.getAttribute("rel"), "noopener noreferrer nofollow");
    assertEquals(await link.getAttribute("href"), "https://example.org/");
    await nc.say("see `ada <b>` here");
    await page.locator(".body code", { hasText: "ada <b>" }).waitFor();
    assertEquals(await page.locator(".mentioned").count(), 0);
    assertEquals(complaints, []);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: on a narrow screen the keyboard reaches a column and returns", async () => {
  const { server, address } = await startRooms();
  try {
    await using browser = await launchBrowser();
    const { page } = await openPage(browser, address, { nick: "ada", width: 500 });
    const focused = () => page.evaluate("document.activeElement.id || document.activeElement.className");
    for (const [opener, first] of [["show-side", "conversation current"], ["show-people", "hide-people"]] as const) {
      await page.focus(`#${opener}`);
      await page.keyboard.press("Enter");
      assertEquals(await focused(), first);
      assertEquals(await page.getAttribute(`#${opener}`, "aria-expanded"), "true");
      await page.keyboard.press("Escape");
      assertEquals(await focused(), opener);
      assertEquals(await page.getAttribute(`#${opener}`, "aria-expanded"), "false");
    }
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: a user removed from a room is notified and asked whether to rejoin", async () => {
  const { server, tcp, address } = await startRooms();
  try {
    await using nc = new Netcat(tcp);
    await nc.sees("Welcome to Parley");
    await using browser = await launchBrowser();
    const { page } = await openPage(browser, address, { nick: "ada" });
    await nc.sees("ada joined #lobby");
    await nc.say("/kick ada be kind");
    await page.locator(".note", { hasText: "be kind" }).waitFor();
    await page.locator("#shut").waitFor();
    assert(await page.locator("#composer").isHidden());
    await page.click("#rejoin");
    await page.locator("#composer").waitFor();
    // Banned while disconnected: the page rejoins the other rooms, and reports why not this one.
    await say(page, "/join #dev");
    await page.locator("#title", { hasText: "#dev" }).waitFor();
    await nc.say("/ban ada");
    await page.locator("#rooms .conversation", { hasText: "lobby" }).click();
    await page.locator("#shut").waitFor();
    await page.reload();
    await page.waitForSelector("body[data-state=online]");
    await page.locator("#title", { hasText: "#dev" }).waitFor();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: an orderly shutdown of the server is shown as such", async () => {
  const { server, address } = await startRooms();
  try {
    await using browser = await launchBrowser();
    const { page } = await openPage(browser, address, { nick: "ada", width: 800, height: 600 });
    server.kill("SIGTERM");
    await server.outcome();
    await page.locator("#banner-text", { hasText: "down or restarting" }).waitFor();
    await page.locator("#banner-wait", { hasText: "Next try in" }).waitFor();
    assertEquals(await page.locator("#me-state").textContent(), "Offline");
    assertEquals(await accessibilityFaults(page), []);
    await screenshot(page, "chat-server-down");
  } finally {
    await server[Symbol.asyncDispose]();
  }
});
