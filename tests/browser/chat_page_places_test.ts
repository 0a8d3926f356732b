/** Where messages are shown: each once, and in its own conversation. */

import { assertEquals } from "@std/assert";
import type { Page } from "../support/browser.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { toolTest } from "../support/tools.ts";
import { messages, Netcat, openConversation, say, sees, startChat, startRooms } from "./support.ts";

const ROOMS = ["#lobby", "#dev", "#ops"];

/** What the page shows in each conversation when the user switches between them. */
async function shownIn(page: Page, names: readonly string[]): Promise<Record<string, string[]>> {
  const shown: Record<string, string[]> = {};
  for (const name of names) {
    await openConversation(page, name);
    shown[name] = await messages(page);
  }
  return shown;
}

toolTest(
  "chromium",
  "the chat page: every message once and in its conversation, through switches and a reload (fault 1)",
  async () => {
    const { server, tcp, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const { page, complaints } = await openPage(browser, address, { nick: "ada" });
      await using nc = new Netcat(tcp);
      await nc.sees("Welcome to Parley");
      await nc.say("/nick carol");
      for (const room of ROOMS.slice(1)) {
        await say(page, `/join ${room}`);
        await page.locator("#title", { hasText: room }).waitFor();
        await nc.say(`/join ${room}`);
      }
      const expected: Record<string, string[]> = { "#lobby": [], "#dev": [], "#ops": [] };
      const inPrivate: string[] = [];
      for (let round = 1; round <= 3; round++) {
        for (const room of ROOMS) {
          await nc.say(`/join ${room}`);
          await nc.say(`${room} ${round} from nc`);
          await nc.say(`/msg ada psst ${room} ${round}`);
          await openConversation(page, room);
          await sees(page, `${room} ${round} from nc`);
          await say(page, `${room} ${round} from ada`);
          await sees(page, `${room} ${round} from ada`);
          expected[room]?.push(`${room} ${round} from nc`, `${room} ${round} from ada`);
          await openConversation(page, "carol");
          await sees(page, `psst ${room} ${round}`);
          await say(page, `re ${room} ${round}`);
          await sees(page, `re ${room} ${round}`);
          inPrivate.push(`psst ${room} ${round}`, `re ${room} ${round}`);
        }
      }
      for (let switches = 0; switches < 3; switches++) {
        assertEquals(await shownIn(page, [...ROOMS, "carol"]), { ...expected, carol: inPrivate });
      }
      await page.reload();
      await page.waitForSelector("body[data-state=online]");
      // The server does not keep private messages: the page does, through a reload.
      await page.locator("#title", { hasText: "carol" }).waitFor();
      assertEquals(await shownIn(page, [...ROOMS, "carol"]), { ...expected, carol: inPrivate });
      assertEquals(complaints, []);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest(
  "chromium",
  "the chat page: a message whose acknowledgement was lost is shown once, in each of its rooms",
  async () => {
    const { server, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(20_000);
      // Each room's first message reaches the server; its answer never reaches the page.
      const cut = new Set<string>();
      await page.routeWebSocket(/.*/, (route) => {
        const toServer = route.connectToServer();
        let isDeaf = false;
        route.onMessage((message) => {
          const { type, room } = JSON.parse(String(message));
          toServer.send(message);
          if (type !== "publish" || cut.has(room)) return;
          cut.add(room);
          isDeaf = true;
        });
        toServer.onMessage((message) => {
          if (!isDeaf) return route.send(message);
          const { type } = JSON.parse(String(message));
          if (type === "message") void route.close({ code: 1001 });
        });
      });
      await page.goto(address);
      await page.waitForSelector("body[data-state=online]");
      const rooms = ["#lobby", "#dev", "#ops"];
      for (const room of rooms) {
        if (room !== "#lobby") await say(page, `/join ${room}`);
        await page.locator("#title", { hasText: room }).waitFor();
        await say(page, `first in ${room}`);
        await sees(page, `first in ${room}`);
      }
      assertEquals([...cut], rooms);
      assertEquals(await shownIn(page, rooms), Object.fromEntries(rooms.map((room) => [room, [`first in ${room}`]])));
      await page.reload();
      await page.waitForSelector("body[data-state=online]");
      assertEquals(await shownIn(page, rooms), Object.fromEntries(rooms.map((room) => [room, [`first in ${room}`]])));
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest(
  "chromium",
  "the chat page: two pages that claim the same name send the same texts, each shown once",
  async () => {
    const { server, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const { page: first } = await openPage(browser, address, { nick: "ada" });
      const { page: second } = await openPage(browser, address, { nick: "ada" });
      await second.locator(".person").nth(1).waitFor();
      for (const text of ["hello", "hello", "שלום (עולם)", "word ".repeat(800).trim()]) {
        await say(first, text);
        await say(second, text);
      }
      const expected = ["hello", "hello", "hello", "hello"];
      for (const page of [first, second]) {
        await page.locator(".message:not(.sending):not(.stored)").nth(7).waitFor();
        const shown = await messages(page);
        assertEquals(shown.length, 8);
        assertEquals(shown.filter((text) => text === "hello"), expected);
        assertEquals(await page.locator(".message.own").count(), 4);
      }
      assertEquals(await messages(first), await messages(second));
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);

toolTest(
  "chromium",
  "the chat page: rooms resume after a restart with a history, whichever is open",
  async () => {
    const folder = await Deno.makeTempDir();
    const first = await startChat(folder, ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"]);
    let running = first.server;
    const [tcp = "", ws = ""] = first.bound;
    try {
      await using browser = await launchBrowser();
      const { page, complaints } = await openPage(browser, ws.replace("ws:", "http:"), { nick: "ada" });
      for (const room of ["#dev", "#empty"]) {
        await say(page, `/join ${room}`);
        await page.locator("#title", { hasText: room }).waitFor();
      }
      await openConversation(page, "#dev");
      await say(page, "before");
      await sees(page, "before");
      await say(page, "/msg ada a note to myself");
      await sees(page, "a note to myself");
      running.kill("SIGKILL");
      await running.outcome();
      await page.waitForSelector("body[data-state=waiting]");
      await openConversation(page, "#lobby");
      await say(page, "typed meanwhile");
      running = (await startChat(folder, [tcp, ws])).server;
      await using nc = new Netcat(tcp);
      await nc.sees("Welcome to Parley");
      await nc.say("/join #dev");
      await nc.say("after");
      await page.waitForSelector("body[data-state=online]");
      await sees(page, "typed meanwhile");
      await openConversation(page, "#dev");
      await sees(page, "after");
      assertEquals(await shownIn(page, ["#lobby", "#dev", "#empty", "ada"]), {
        "#lobby": ["typed meanwhile"],
        "#dev": ["before", "after"],
        "#empty": [],
        ada: ["a note to myself"],
      });
      assertEquals(await page.locator(".note.gap").count(), 0);
      assertEquals(complaints, []);
    } finally {
      await running[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

toolTest(
  "chromium",
  "the chat page: it reports how many messages it missed, also in the room that is shown",
  async () => {
    const { server, tcp, address } = await startRooms();
    try {
      await using browser = await launchBrowser();
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(20_000);
      let isUp = true;
      const routes: { close(): Promise<void> }[] = [];
      await page.routeWebSocket(/.*/, (route) => {
        if (!isUp) return void route.close();
        route.connectToServer();
        routes.push(route);
      });
      await page.goto(address);
      await page.waitForSelector("body[data-state=online]");
      await say(page, "/join #dev");
      await page.locator("#title", { hasText: "#dev" }).waitFor();
      isUp = false;
      await routes[0]?.close();
      await page.waitForSelector("body[data-state=waiting]");
      {
        await using nc = new Netcat(tcp);
        await using other = new Netcat(tcp);
        // A guest's name is free again after the guest has left, so the page may get it.
        await nc.say("/nick carol");
        for (const room of ["#lobby", "#dev"]) {
          await other.say(`/join ${room}`);
          await nc.say(`/join ${room}`);
          await nc.say(`said in ${room}`);
          await other.sees(`said in ${room}`);
        }
      }
      isUp = true;
      await page.click("#retry");
      await page.locator(".toast", { hasText: "2 missed messages caught up" }).waitFor();
      assertEquals(await shownIn(page, ["#lobby", "#dev"]), { "#lobby": ["said in #lobby"], "#dev": ["said in #dev"] });
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);
