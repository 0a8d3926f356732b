import { UsageError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import { TOPICS } from "../manual/topics.ts";
import { type Command, defineCommand, loadCommand, type LoadedProgram, loadProgram, type Program } from "./command.ts";
import { commandHelp, programHelp } from "./help.ts";
import type { ProgramIo } from "./io.ts";
import { print } from "./print.ts";

const SHELLS: Readonly<Record<string, () => Promise<(program: LoadedProgram) => string>>> = {
  bash: async () => (await import("./completions/bash.ts")).bashCompletions,
  zsh: async () => (await import("./completions/zsh.ts")).zshCompletions,
  fish: async () => (await import("./completions/fish.ts")).fishCompletions,
};

/** The program with the commands that document it: `help`, `man` and `completions`. */
export function withDocumentation(program: Program): Program {
  const whole: Program = {
    ...program,
    commands: [
      ...program.commands,
      {
        name: "help",
        summary: "show a page of the manual, or the help of a command",
        example: { words: "help endpoints", does: "how to write an endpoint" },
        load: () => Promise.resolve(helpCommand(whole)),
      },
      {
        name: "man",
        summary: "print the manual page of the program or of a topic",
        example: { words: "man | man -l -", does: "read it" },
        load: () => Promise.resolve(manCommand(whole)),
      },
      {
        name: "completions",
        summary: "print a completion script for a shell",
        example: { words: "completions bash > FILE", does: "for bash" },
        load: () => Promise.resolve(completionsCommand(whole)),
      },
    ],
  };
  return whole;
}

function helpCommand(program: Program): Command {
  const commands = program.commands.map(({ name }) => name);
  const topics = TOPICS.map(({ name }) => name);
  return defineCommand({
    usage: "[TOPIC|COMMAND]",
    examples: [],
    flags: {},
    words: [...new Set([...topics, ...commands])],
    notes: "On a terminal, a page is shown with $PAGER or less.\nThe topics are:\n" +
      TOPICS.map(({ name, summary }) => `${name}: ${summary}`).join("\n"),
    readsEnvironment: true,
    runsPager: true,
    async run({ args: [name, ...rest], io }) {
      if (rest.length > 0) throw new UsageError("help takes one topic or command");
      if (name === undefined) {
        await print(io, programHelp(program));
        return 0;
      }
      const topic = TOPICS.find((each) => each.name === name);
      const command = program.commands.find((each) => each.name === name);
      if (topic !== undefined) {
        const { layOutPage } = await import("./page_layout.ts");
        const flags = command === undefined ? "" : `\nFlags: ${program.name} ${name} --help\n`;
        await showText(io, layOutPage(await topic.load(), io) + flags);
        return 0;
      }
      if (command === undefined) throw unknownTopic(name, [...topics, ...commands]);
      await print(io, commandHelp(program, await loadCommand(command)));
      return 0;
    },
  });
}

function unknownTopic(typed: string, known: readonly string[]): UsageError {
  const hint = didYouMean(typed, known, `the topics are ${known.join(", ")}`);
  return new UsageError(`no topic or command "${typed}"; ${hint}`);
}

function manCommand(program: Program): Command {
  return defineCommand({
    usage: "[TOPIC]",
    examples: [{ words: "man tls | man -l -", does: "read the page about TLS" }],
    flags: {},
    words: TOPICS.map(({ name }) => name),
    async run({ args: [name, ...rest], io }) {
      if (rest.length > 0) throw new UsageError("man takes one topic at most");
      const topic = TOPICS.find((each) => each.name === name);
      if (name !== undefined && topic === undefined) throw unknownTopic(name, TOPICS.map((each) => each.name));
      const { manPage, topicPage } = await import("./man_page.ts");
      await print(io, topic === undefined ? manPage(await loadProgram(program)) : await topicPage(topic));
      return 0;
    },
  });
}

function completionsCommand(program: Program): Command {
  return defineCommand({
    usage: Object.keys(SHELLS).join("|"),
    examples: [],
    flags: {},
    notes: [
      `FILE is ~/.local/share/bash-completion/completions/${program.name} for bash,`,
      `_${program.name} in a folder of $fpath for zsh, and ~/.config/fish/completions/${program.name}.fish for fish.`,
    ].join("\n"),
    async run({ args: [shell = "", ...rest], io }) {
      const load = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (load === undefined || rest.length > 0) {
        throw new UsageError(`completions takes one of ${Object.keys(SHELLS).join(", ")}`);
      }
      const [completions, whole] = await Promise.all([load(), loadProgram(program)]);
      await print(io, completions(whole));
      return 0;
    },
  });
}

/**
 * Writes a text; on a terminal through `$PAGER` or less, if the program may
 * run commands. It never asks for that permission: the text matters more.
 */
async function showText(io: ProgramIo, text: string): Promise<void> {
  if (!io.stdout.isTerminal || !await isGranted({ name: "run" })) return await print(io, text);
  const pager = await isGranted({ name: "env", variable: "PAGER" }) ? Deno.env.get("PAGER") : undefined;
  // less leaves at once what fits the screen (F), shows colours (R) and lets the text stay (X).
  const [command = "less", ...args] = pager?.split(/\s+/).filter(Boolean) ?? ["less", "-FRX"];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, { args, stdin: "piped", stdout: "inherit", stderr: "inherit" }).spawn();
  } catch {
    // There is no such pager here.
    return await print(io, text);
  }
  // A pager that is left early stops reading, which is not an error.
  await new Blob([text]).stream().pipeTo(child.stdin).catch(() => {});
  await child.status;
}

async function isGranted(permission: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(permission)).state === "granted";
}
