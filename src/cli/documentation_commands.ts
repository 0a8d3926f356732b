import { UsageError } from "../base/errors.ts";
import { type Command, defineCommand, type Program } from "./command.ts";
import { bashCompletions } from "./completions/bash.ts";
import { fishCompletions } from "./completions/fish.ts";
import { zshCompletions } from "./completions/zsh.ts";
import { manPage } from "./man_page.ts";

const SHELLS: Readonly<Record<string, (program: Program) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

/** The program with two more commands: `completions SHELL` and `man`. */
export function withDocumentation(program: Program): Program {
  const whole: Program = {
    ...program,
    commands: [...program.commands, completionsCommand(() => whole), manCommand(() => whole)],
  };
  return whole;
}

function completionsCommand(program: () => Program): Command {
  return defineCommand({
    name: "completions",
    summary: "print the completions of commands and flags for a shell",
    usage: Object.keys(SHELLS).join("|"),
    examples: [{ words: "completions bash > ~/.local/share/bash-completion/completions/NAME", does: "for bash" }],
    flags: {},
    notes: "For zsh, a file _NAME in a folder of $fpath; for fish, ~/.config/fish/completions/NAME.fish.",
    run({ args: [shell = "", ...rest], io }) {
      const make = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (make === undefined || rest.length > 0) {
        throw new UsageError(`completions takes one of ${Object.keys(SHELLS).join(", ")}`);
      }
      io.stdout.write(make(program()));
      return Promise.resolve(0);
    },
  });
}

function manCommand(program: () => Program): Command {
  return defineCommand({
    name: "man",
    summary: "print the manual page",
    usage: "",
    examples: [{ words: "man | man -l -", does: "read it" }],
    flags: {},
    run({ args, io }) {
      if (args.length > 0) throw new UsageError("man takes no argument");
      io.stdout.write(manPage(program()));
      return Promise.resolve(0);
    },
  });
}
