import type { ProgramIo } from "./io.ts";

/**
 * Writes a text; on a terminal through `$PAGER` or less, if the program may
 * run commands. It never asks for that permission: the text matters more.
 */
export async function showText(io: ProgramIo, text: string): Promise<void> {
  if (!io.stdout.isTerminal || !await isGranted({ name: "run" })) return io.stdout.write(text);
  const pager = await isGranted({ name: "env", variable: "PAGER" }) ? Deno.env.get("PAGER") : undefined;
  // less leaves at once what fits the screen (F), shows colours (R) and lets the text stay (X).
  const [command = "less", ...args] = pager?.split(/\s+/).filter(Boolean) ?? ["less", "-FRX"];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, { args, stdin: "piped", stdout: "inherit", stderr: "inherit" }).spawn();
  } catch {
    // There is no such pager here.
    return io.stdout.write(text);
  }
  // A pager that is left early stops reading, which is not an error.
  await new Blob([text]).stream().pipeTo(child.stdin).catch(() => {});
  await child.status;
}

async function isGranted(permission: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(permission)).state === "granted";
}
