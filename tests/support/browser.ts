import { type Browser, chromium, type Page } from "npm:playwright-core@1.64.1";

export type { Page };

/** Where Debian puts it. */
const CHROMIUM = "/usr/bin/chromium";

/** Without these flags it does not run in a container, or accesses the network by itself. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless Chromium that ends when it is disposed of. */
export async function launchBrowser(): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}

/** A separate page, as if in another browser, and its console output. */
interface OpenedPage {
  readonly page: Page;
  /** Errors and warnings: of scripts, of the content security policy. */
  readonly complaints: string[];
}

/** Opens an address for a person of that name. */
export async function openPage(
  browser: Browser,
  address: string,
  options: { nick: string; width?: number; height?: number; colorScheme?: "light" | "dark" },
): Promise<OpenedPage> {
  const { nick, width = 1280, height = 800, colorScheme = "light" } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    // A connection that is refused while the server is away is no fault of the page.
    const isExpected = message.text().includes("WebSocket connection to");
    if (!isExpected && ["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(
    (name) => localStorage.getItem("parley.nick") ?? localStorage.setItem("parley.nick", name),
    nick,
  );
  await page.goto(address);
  await page.waitForSelector("body[data-state=online]");
  return { page, complaints };
}
