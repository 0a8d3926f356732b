/**
 * What some tests need of the machine: tools that they talk to, and IPv6.
 *
 * @module
 */

/** Path of the program, or `undefined` where it is not found on the path. */
export function findTool(name: string): string | undefined {
  if (name.startsWith("/")) return isFile(name) ? name : undefined;
  const isWindows = Deno.build.os === "windows";
  const file = isWindows ? `${name}.exe` : name;
  const paths = (Deno.env.get("PATH") ?? "").split(isWindows ? ";" : ":").map((folder) => `${folder}/${file}`);
  return paths.find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Not there: the next folder may have it.
    return false;
  }
}

/**
 * Defines a test that runs a tool of the system. Where the tool is missing the
 * test is skipped, and its name says why; in CI (`CI` is set) it fails.
 */
export function toolTest(tool: string, name: string, run: () => Promise<void>): void {
  const isMissing = findTool(tool) === undefined;
  const mayBeMissing = !Deno.env.get("CI");
  Deno.test({
    name: isMissing ? `${name} (${tool} is not installed)` : name,
    ignore: isMissing && mayBeMissing,
    async fn() {
      if (isMissing) throw new Error(`${tool} is not installed`);
      await run();
    },
  });
}

/**
 * Defines a test that needs IPv6 on loopback. Many containers have none; there the test is skipped, and its name says
 * why.
 */
export function ipv6Test(name: string, run: () => Promise<void>, { ignore = false } = {}): void {
  const isMissing = !hasIpv6();
  Deno.test(isMissing ? `${name} (this machine has no IPv6)` : name, { ignore: ignore || isMissing }, run);
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** Runs a tool to its end, with `input` on its standard input. */
export async function runTool(
  name: string,
  args: readonly string[],
  options: { input?: string | Uint8Array; cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = findTool(name);
  if (path === undefined) throw new Error(`not installed: ${name}`);
  const child = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).spawn();
  const writer = child.stdin.getWriter();
  const input = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
  // A tool that ends without reading its input closes the pipe: that is its business.
  const feeding = (async () => {
    if (input) await writer.write(input);
    await writer.close();
  })().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await feeding;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
