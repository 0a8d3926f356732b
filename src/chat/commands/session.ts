import type { ChatCommand } from "./command.ts";

/** Lists the commands. */
export function helpCommand(all: () => readonly ChatCommand[]): ChatCommand {
  return {
    name: "help",
    usage: "",
    summary: "this list",
    isOpen: true,
    run({ member }) {
      const rows = all().map(({ name, usage, summary }) => [`/${name} ${usage}`.trimEnd(), summary] as const);
      const width = Math.max(...rows.map(([left]) => left.length));
      const lines = rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
      member.tell({ type: "help", lines: ["A line without a slash is said in your current room.", ...lines] });
    },
  };
}

/** Says goodbye. */
export const quit: ChatCommand = {
  name: "quit",
  usage: "",
  summary: "leave the chat",
  isOpen: true,
  run({ member }) {
    member.tell({ type: "bye", reason: "you left" });
    return "quit";
  },
};
