/** Where messages are shown: each once, and in its own conversation. */

import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { launchBrowser, openPage } from "../support/browser.ts";
import { toolTest } from "../support/tools.ts";
import { messages, Netcat, openConversation, say, sees, startRooms } from "./support.ts";

const ROOMS = ["#lobby", "#dev", "#ops"];

/** What the page shows in each conversation, when the reader goes from one to the next. */
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
      assertEquals(await page.locator("#title").textContent(), "carol");
      assertEquals(await shownIn(page, [...ROOMS, "carol"]), { ...expected, carol: inPrivate });
      assertEquals(complaints, []);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  },
);
