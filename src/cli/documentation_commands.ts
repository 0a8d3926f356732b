import { UsageError } from "../base/errors.ts";
import { type Command, defineCommand, type LoadedProgram, loadProgram, type Program } from "./command.ts";

const SHELLS: Readonly<Record<string, () => Promise<(program: LoadedProgram) => string>>> = {
  bash: async () => (await import("./completions/bash.ts")).bashCompletions,
  zsh: async () => (await import("./completions/zsh.ts")).zshCompletions,
  fish: async () => (await import("./completions/fish.ts")).fishCompletions,
};

/** The program with two more commands: `completions SHELL` and `man`. */
export function withDocumentation(program: Program): Program {
  const whole: Program = {
    ...program,
    commands: [
      ...program.commands,
      {
        name: "completions",
        summary: "print the completions of commands and flags for a shell",
        example: { words: "completions bash > ~/.local/share/bash-completion/completions/NAME", does: "for bash" },
        load: () => Promise.resolve(completionsCommand(whole)),
      },
      {
        name: "man",
        summary: "print the manual page",
        example: { words: "man | man -l -", does: "read it" },
        load: () => Promise.resolve(manCommand(whole)),
      },
    ],
  };
  return whole;
}

function completionsCommand(program: Program): Command {
  return defineCommand({
    usage: Object.keys(SHELLS).join("|"),
    examples: [],
    flags: {},
    notes: "For zsh, a file _NAME in a folder of $fpath; for fish, ~/.config/fish/completions/NAME.fish.",
    async run({ args: [shell = "", ...rest], io }) {
      const load = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (load === undefined || rest.length > 0) {
        throw new UsageError(`completions takes one of ${Object.keys(SHELLS).join(", ")}`);
      }
      const [completions, whole] = await Promise.all([load(), loadProgram(program)]);
      io.stdout.write(completions(whole));
      return 0;
    },
  });
}

function manCommand(program: Program): Command {
  return defineCommand({
    usage: "",
    examples: [],
    flags: {},
    async run({ args, io }) {
      if (args.length > 0) throw new UsageError("man takes no argument");
      const [{ manPage }, whole] = await Promise.all([import("./man_page.ts"), loadProgram(program)]);
      io.stdout.write(manPage(whole));
      return 0;
    },
  });
}
