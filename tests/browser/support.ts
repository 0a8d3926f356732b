import type { Page } from "../support/browser.ts";
import { fromFileUrl } from "../support/paths.ts";
import { startProgram } from "../support/program.ts";

/** Where screenshots are left for people to look at. */
export const OUT = fromFileUrl("../e2e/out");

/** A chat on given endpoints; port 0 the first time. */
export async function startChat(folder: string, endpoints: readonly string[]) {
  const args = ["chat", ...endpoints, "--history", `${folder}/chat.db`, "--print-endpoint"];
  const server = startProgram("server", args, { permissions: ["-N", "-R", "-W"] });
  const bound: string[] = [];
  while (bound.length < endpoints.length) bound.push(await server.line());
  return { server, bound };
}

/** A chat that keeps its history in memory, on TCP and WebSocket; `path` is that of the WebSocket endpoint. */
export async function startRooms(path = "") {
  const server = startProgram("server", ["chat", "tcp://127.0.0.1:0", `ws://127.0.0.1:0${path}`, "--print-endpoint"]);
  const tcp = await server.line();
  return { server, tcp, address: new URL("/", (await server.line()).replace("ws:", "http:")).href };
}

/** `nc`, as a person would run it. */
export class Netcat implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #text = "";
  #wake = Promise.withResolvers<void>();

  constructor(endpoint: string) {
    const { hostname, port } = new URL(endpoint.replace("tcp:", "http:"));
    this.#child = new Deno.Command("nc", { args: [hostname, port], stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async say(line: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Waits until a text has appeared. */
  async sees(text: string): Promise<void> {
    const timer = setTimeout(() => this.#wake.reject(new Error(`nc has not seen "${text}": ${this.#text}`)), 20_000);
    try {
      while (!this.#text.includes(text)) await this.#wake.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill();
    } catch {
      // The server's end has ended it.
    }
    await this.#reading;
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.#text += decoder.decode(chunk, { stream: true });
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }
}

/** Shows a conversation by its entry in the list. */
export async function openConversation(page: Page, name: string): Promise<void> {
  await page.locator(`.conversation[title="${name}"]`).click();
  await page.locator("#title", { hasText: name }).waitFor();
}

/** Types a text and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.fill("#composer-text", text);
  await page.press("#composer-text", "Enter");
}

/** Waits until the page shows the text as a message, sent and stored. */
export async function sees(page: Page, text: string): Promise<void> {
  await page.locator(".message:not(.sending):not(.stored) .body", { hasText: text }).first().waitFor();
}

/** The texts of all messages that are shown. */
export async function messages(page: Page): Promise<string[]> {
  return await page.locator(".message .body").allTextContents();
}

/** Leaves a picture of the page. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${OUT}/${name}.png` });
}
