/** A command of the session. */
export interface Scene {
  readonly command: string;
  /** The scene ends once this has been printed; by default, once the command has ended. */
  readonly until?: RegExp;
}

/** A printed line and its time. */
interface PrintedLine {
  readonly text: string;
  /** Milliseconds since the command of its scene was entered. */
  readonly ms: number;
}

/** A recorded scene. */
export interface RecordedScene {
  readonly command: string;
  readonly lines: readonly PrintedLine[];
}

/** Marks the end of a command's output; no program prints it. */
const MARK = "\x1e";

/** Time limit for a scene. */
const TIMEOUT_MS = 30_000;

/** Runs the scenes sequentially in one shell; records both outputs of every program with their times. */
export async function recordScenes(scenes: readonly Scene[], folders: { cwd: string; bin: string }) {
  const shell = new Deno.Command("bash", {
    args: ["--norc", "--noprofile"],
    cwd: folders.cwd,
    env: { PATH: `${folders.bin}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = shell.stdin.getWriter();
  const reader = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => shell.kill("SIGKILL"), TIMEOUT_MS * scenes.length);
  const enter = (line: string) => writer.write(new TextEncoder().encode(`${line}\n`));
  const recorded: RecordedScene[] = [];
  await enter("exec 2>&1");
  for (const scene of scenes) {
    const startedMs = performance.now();
    await enter(scene.command);
    if (scene.until === undefined) await enter(`printf '${MARK}\\n'`);
    recorded.push({ command: scene.command, lines: await readScene(reader, scene, startedMs) });
  }
  await enter("jobs -p | xargs -r kill; exit");
  while (!(await reader.read()).done) {
    // Output of the servers at shutdown is not shown.
  }
  await shell.status;
  clearTimeout(timer);
  await writer.close().catch(() => {});
  return recorded;
}

async function readScene(
  reader: ReadableStreamDefaultReader<string>,
  { until, command }: Scene,
  startedMs: number,
): Promise<PrintedLine[]> {
  const lines: PrintedLine[] = [];
  let partial = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the shell ended during: ${command}`);
    const ms = performance.now() - startedMs;
    const pieces = (partial + value).split("\n");
    partial = pieces.pop() ?? "";
    for (const text of pieces) {
      if (text.includes(MARK)) return lines;
      lines.push({ text, ms });
    }
    if (until !== undefined && lines.some(({ text }) => until.test(text))) return lines;
  }
}
