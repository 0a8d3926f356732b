/**
 * Takes the README's screenshots of the chat page in Chromium.
 *
 * `deno task screenshots`; requires chromium.
 *
 * @module
 */

import type { Page } from "../tests/support/browser.ts";
import { launchBrowser, openPage } from "../tests/support/browser.ts";
import { enterChat } from "../tests/support/chat_peer.ts";
import { startProgram } from "../tests/support/program.ts";

const FOLDER = decodeURIComponent(new URL("../.github/images", import.meta.url).pathname);

/** Sends a message or a command. */
async function say(page: Page, text: string): Promise<void> {
  await page.fill("#composer-text", text);
  await page.press("#composer-text", "Enter");
  if (!text.startsWith("/")) await sees(page, text);
}

async function sees(page: Page, text: string): Promise<void> {
  await page.locator(".message:not(.sending):not(.stored) .body", { hasText: text }).first().waitFor();
}

await using server = startProgram("server", ["chat", "tcp://127.0.0.1:0", "ws://127.0.0.1:0", "--print-endpoint"]);
const tcp = await server.line();
const address = (await server.line()).replace("ws:", "http:");
await using browser = await launchBrowser();
const { page: ada } = await openPage(browser, address, { nick: "ada", width: 1100, height: 640 });
const { page: bob } = await openPage(browser, address, {
  nick: "bob",
  width: 390,
  height: 640,
  colorScheme: "dark",
});
using carol = await enterChat(tcp, "carol");
const fromNc = async (text: string) => {
  await carol.send(text);
  await Promise.all([sees(ada, text), sees(bob, text)]);
};
await say(ada, "/topic release 0.1.0 on Friday");
await say(bob, "morning! is the build green?");
await sees(ada, "is the build green?");
await fromNc("it is: 1,204 passed, 0 failed");
await fromNc("I am here by nc, by the way");
await say(ada, "then bob can tag it after lunch");
await say(bob, "ada, will do. Who writes the notes?");
await sees(ada, "Who writes the notes?");
await fromNc("ada has a draft in #release");
await say(ada, "/join #release");
await ada.locator("#title", { hasText: "#release" }).waitFor();
await say(ada, "/join #lobby");
await ada.locator("#title", { hasText: "#lobby" }).waitFor();
await say(ada, "thanks, all");
await sees(bob, "thanks, all");

await ada.screenshot({ path: `${FOLDER}/chat-light.png` });
await bob.screenshot({ path: `${FOLDER}/chat-dark-narrow.png` });
for (const name of ["chat-light", "chat-dark-narrow"]) {
  const { size } = await Deno.stat(`${FOLDER}/${name}.png`);
  console.log(`.github/images/${name}.png  ${Math.ceil(size / 1_000)} kB`);
}
