import { findTool } from "./tools.ts";

/** A tool of the system that serves until it is disposed of. */
interface RunningTool extends AsyncDisposable {
  /** The next line of its standard output; it throws when there is none. */
  line(): Promise<string>;
}

/** Starts a tool; its standard error is not looked at. */
export function startTool(name: string, args: readonly string[]): RunningTool {
  const path = name.startsWith("/") ? name : findTool(name);
  if (path === undefined) throw new Error(`not installed: ${name}`);
  const child = new Deno.Command(path, { args: [...args], stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return {
    async line() {
      while (!rest.includes("\n")) {
        const { value, done } = await lines.read();
        if (done) throw new Error(`${name} ended before a further line`);
        rest += value;
      }
      const end = rest.indexOf("\n");
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      return line;
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await lines.cancel();
      await child.status;
    },
  };
}
