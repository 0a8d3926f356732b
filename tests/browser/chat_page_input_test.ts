/** Nothing that is typed into the chat page is lost. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Page } from "../support/browser.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { startProgram } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";
import { messages, Netcat, openConversation, say, sees, startRooms } from "./support.ts";

const boxText = (page: Page) => page.inputValue("#composer-text");

async function type(page: Page, text: string): Promise<void> {
  await page.fill("#composer-text", text);
}

/** What the page sends from now on, parsed. */
function sentBy(page: Page): Record<string, unknown>[] {
  const sent: Record<string, unknown>[] = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => void sent.push(JSON.parse(String(payload))));
  });
  return sent;
}

async function joinRoom(page: Page, name: string): Promise<void> {
  await say(page, `/join ${name}`);
  await page.locator("#title", { hasText: name }).waitFor();
}

toolTest(
  "chromium",
  "the chat page: a text entered outside a room stays in the box, and can be sent in the next room (fault 2)",
  async () => {
    const { server, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const { page, complaints } = await openPage(browser, address, { nick: "ada" });
      await page.click("#leave");
      await page.locator("#nowhere").waitFor();
      await page.reload();
      await page.locator("#nowhere").waitFor();
      await say(page, "is anyone here?");
      await page.locator(".toast.error", { hasText: "You are not in a room" }).waitFor();
      assertEquals(await boxText(page), "is anyone here?");
      await page.reload();
      await page.locator("#nowhere").waitFor();
      assertEquals(await boxText(page), "is anyone here?");
      await page.click("#join-room");
      await page.fill("#room-text", "dev");
      await page.press("#room-text", "Enter");
      await page.locator("#title", { hasText: "#dev" }).waitFor();
      assert(await page.locator("#nowhere").isHidden());
      assertEquals(await boxText(page), "is anyone here?");
      await page.press("#composer-text", "Enter");
      await sees(page, "is anyone here?");
      assertEquals(await boxText(page), "");
      assertEquals(complaints, []);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest(
  "chromium",
  "the chat page: each conversation has a draft of its own, also after a reload (fault 2)",
  async () => {
    const { server, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const { page, complaints } = await openPage(browser, address, { nick: "ada" });
      await joinRoom(page, "#dev");
      await type(page, "for dev");
      await openConversation(page, "#lobby");
      assertEquals(await boxText(page), "");
      await type(page, "for the lobby");
      await openConversation(page, "#dev");
      assertEquals(await boxText(page), "for dev");
      await page.reload();
      await page.locator("#title", { hasText: "#dev" }).waitFor();
      assertEquals(await boxText(page), "for dev");
      await openConversation(page, "#lobby");
      assertEquals(await boxText(page), "for the lobby");
      // A room that is left and entered again has its draft too.
      await page.click("#leave");
      await page.locator("#title", { hasText: "#dev" }).waitFor();
      assertEquals(await boxText(page), "for dev");
      await page.keyboard.press("Control+A");
      await joinRoom(page, "#lobby");
      assertEquals(await boxText(page), "for the lobby");
      assertEquals(complaints, []);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest("chromium", "the chat page: a rejected input stays in the box, with the reason (fault 2)", async () => {
  const { server, address } = await startRooms();
  try {
    await using browser = await launchBrowser();
    const { page } = await openPage(browser, address, { nick: "ada" });
    const long = "x".repeat(4_097);
    for (
      const [text, reason] of [["/dance", "/dance"], ["/kick", "/kick needs a name"], [
        long,
        "this one has 4097",
      ]] as const
    ) {
      await say(page, text);
      await page.locator(".toast.error", { hasText: reason }).waitFor();
      assertEquals(await boxText(page), text);
    }
    await say(page, long.slice(1));
    await sees(page, long.slice(1));
    server.kill("SIGTERM");
    await server.outcome();
    await page.waitForSelector("body[data-state=waiting]");
    await say(page, "/topic tea");
    await page.locator(".toast.error", { hasText: "Not connected" }).waitFor();
    assertEquals(await boxText(page), "/topic tea");
    await say(page, "/msg bob hello");
    await page.locator(".message.failed .why", { hasText: "not connected" }).waitFor();
    await page.click("#leave");
    await page.locator(".toast.error", { hasText: "not sent" }).waitFor();
    await page.getByText("Discard", { exact: true }).click();
    await page.locator(".message").waitFor({ state: "detached" });
    await page.click("#leave");
    await page.locator("#title", { hasText: "#lobby" }).waitFor();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest(
  "chromium",
  "the chat page: an unsent message survives a reload and a restart, and is stored once (fault 2)",
  async () => {
    const first = await startRooms();
    let running = first.server;
    const { tcp, address } = first;
    try {
      await using browser = await launchBrowser();
      const { page } = await openPage(browser, address, { nick: "ada" });
      await say(page, "before");
      await sees(page, "before");
      running.kill("SIGKILL");
      await running.outcome();
      await page.waitForSelector("body[data-state=waiting]");
      await say(page, "while the server was away");
      await page.locator(".message.sending").waitFor();
      // The page itself comes from that server: only with it can it be loaded again.
      running = startProgram("server", ["chat", tcp, address.replace("http:", "ws:"), "--print-endpoint"]);
      await running.line();
      await running.line();
      await page.reload();
      await sees(page, "while the server was away");
      await page.reload();
      await sees(page, "while the server was away");
      assertEquals(await messages(page), ["while the server was away"]);
    } finally {
      await running[Symbol.asyncDispose]();
    }
  },
);

toolTest(
  "chromium",
  "the chat page: a message that is retransmitted after a conflict has a new id (chat H3)",
  async () => {
    const { server, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const context = await browser.newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const sent = sentBy(page);
      await page.routeWebSocket(/.*/, (route) => {
        const toServer = route.connectToServer();
        let isFirst = true;
        route.onMessage((message) => {
          const request = JSON.parse(String(message));
          sent.push(request);
          if (request.type !== "publish" || !isFirst) return toServer.send(message);
          isFirst = false;
          const { id } = request;
          route.send(JSON.stringify({ type: "error", code: "id-conflict", text: "another message has that id", id }));
        });
      });
      await page.goto(address);
      await page.waitForSelector("body[data-state=online]");
      await say(page, "hello");
      await page.locator(".message.failed").getByText("Send again").click();
      await sees(page, "hello");
      await say(page, "again");
      await sees(page, "again");
      assertEquals(await messages(page), ["hello", "again"]);
      const ids = sent.filter(({ type }) => type === "publish").map(({ id }) => String(id));
      assertEquals(new Set(ids).size, 3);
      for (const id of ids) assert(/^[0-9a-f]{32}$/.test(id), id);
      assertNotEquals(ids[0]?.slice(0, 8), ids[1]?.slice(0, 8));
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest("chromium", "the chat page: it asks for the list of rooms only when that is shown (chat C2)", async () => {
  const { server, address } = await startRooms();
  try {
    await using browser = await launchBrowser();
    const page = await (await browser.newContext()).newPage();
    const sent = sentBy(page);
    await page.goto(address);
    await page.waitForSelector("body[data-state=online]");
    const asked = () => sent.filter(({ type }) => type === "rooms").length;
    assertEquals(asked(), 0);
    await page.click("#browse");
    await page.locator("#directory button").first().waitFor();
    assertEquals(asked(), 1);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest("chromium", "the chat page: /who lists the people, and /history loads older messages (fault 35)", async () => {
  const { server, tcp, address } = await startRooms();
  try {
    await using nc = new Netcat(tcp);
    await nc.sees("Welcome to Parley");
    await nc.say("/nick carol");
    for (let line = 1; line <= 130; line++) await nc.say(`line ${line}`);
    await using browser = await launchBrowser();
    const { page, complaints } = await openPage(browser, address, { nick: "ada" });
    await sees(page, "line 130");
    // Shown at first: the last 20, and 50 more because the view begins near the oldest of them.
    await page.getByText("line 61", { exact: true }).waitFor();
    await say(page, "/who");
    await page.locator(".note.help", { hasText: "In #lobby: carol (operator), ada" }).waitFor();
    await say(page, "/history 5");
    await page.getByText("line 56", { exact: true }).waitFor();
    assertEquals((await messages(page))[0], "line 56");
    await say(page, "/history 101");
    await page.locator(".toast.error", { hasText: "from 1 to 100" }).waitFor();
    assertEquals(complaints, []);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

toolTest(
  "chromium",
  "the chat page: after a restart no gap is reported in an empty room (fault 35)",
  async () => {
    const first = await startRooms();
    let running = first.server;
    const { tcp, address } = first;
    try {
      await using browser = await launchBrowser();
      const { page } = await openPage(browser, address, { nick: "ada" });
      await joinRoom(page, "#full");
      await say(page, "something");
      await sees(page, "something");
      running.kill("SIGKILL");
      await running.outcome();
      await page.waitForSelector("body[data-state=waiting]");
      running = startProgram("server", ["chat", tcp, address.replace("http:", "ws:"), "--print-endpoint"]);
      await running.line();
      await running.line();
      await page.waitForSelector("body[data-state=online]");
      // Shown with the next frame.
      await page.locator(".note.gap").waitFor();
      await openConversation(page, "#lobby");
      assertEquals(await page.locator(".note.gap").count(), 0);
    } finally {
      await running[Symbol.asyncDispose]();
    }
  },
);

toolTest("chromium", "the chat page: a reload does not cost an operator the room (fault 35)", async () => {
  const { server, address } = await startRooms();
  try {
    await using browser = await launchBrowser();
    const { page: ada } = await openPage(browser, address, { nick: "ada" });
    const { page: bob } = await openPage(browser, address, { nick: "bob" });
    await bob.locator(".person[title='ada, operator']").waitFor();
    await ada.reload();
    await ada.waitForSelector("body[data-state=online]");
    await ada.locator(".person[title='ada, operator']").waitFor();
    await bob.locator(".person[title='ada, operator']").waitFor();
    await say(ada, "/topic tea");
    await bob.locator("#topic", { hasText: "tea" }).waitFor();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});
