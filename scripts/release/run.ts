/** Runs a command and returns its standard output; throws with all of its output if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(command, { args: [...args], ...options }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const said = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
  throw new Error(`${command} ${args.join(" ")} ended with code ${code}:\n${said}`);
}
