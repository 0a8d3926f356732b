import { assert, assertEquals, assertLess } from "@std/assert";
import { FLAG_GROUPS, kebabCase } from "../../src/base/flag_spec.ts";
import { type LoadedProgram, loadProgram } from "../../src/cli/command.ts";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { commandHelp, programHelp } from "../../src/cli/help.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { type Topic, TOPICS } from "../../src/manual/topics.ts";
import { PROTOCOLS } from "../../src/probe/registry.ts";
import { fromFileUrl } from "../support/paths.ts";

const PROGRAMS = [serverProgram, clientProgram, udpProgram];
const LOADED = await Promise.all(PROGRAMS.map(loadProgram));
const PAGES = new Map(await Promise.all(TOPICS.map(async ({ name, load }) => [name, await load()] as const)));
const README = await Deno.readTextFile(fromFileUrl("../../README.md"));

/** Every flag of every command, with the pages that may describe it: the command's own, and that of its group. */
function flagsOf(program: LoadedProgram): { where: string; flag: string; topics: Topic[] }[] {
  return program.commands.flatMap((command) =>
    Object.entries(command.flags).map(([name, { group }]) => {
      const where = `${program.name} ${command.name}`;
      const isAbout = ({ commands = [], groups = [] }: Topic) =>
        commands.includes(where) || group !== undefined && groups.includes(group);
      return { where, flag: `--${kebabCase(name)}`, topics: TOPICS.filter(isAbout) };
    })
  );
}

Deno.test("every command is on one page of the manual, which names it", () => {
  for (const program of LOADED) {
    for (const { name } of program.commands) {
      const where = `${program.name} ${name}`;
      const topics = TOPICS.filter(({ commands = [] }) => commands.includes(where));
      assertEquals(topics.length, 1, `${where} is on the pages ${topics.map((topic) => topic.name).join(", ")}`);
      for (const topic of topics) assert(new RegExp(`\\b${name}\\b`).test(PAGES.get(topic.name) ?? ""), where);
    }
  }
});

Deno.test("every flag is on the page of its group or of its command", () => {
  const missing = LOADED.flatMap(flagsOf).filter(({ flag, topics }) =>
    !topics.some(({ name }) => new RegExp(`${flag}(?![\\w-])`).test(PAGES.get(name) ?? ""))
  );
  const rows = missing.map(({ where, flag, topics }) =>
    `${topics.map(({ name }) => name).join(" or ")}: ${where} ${flag}`
  );
  assertEquals([...new Set(rows)], []);
});

Deno.test("every group of flags is on one page of the manual", () => {
  const groups = TOPICS.flatMap(({ groups = [] }) => groups);
  assertEquals(groups.toSorted(), FLAG_GROUPS.toSorted());
});

Deno.test("the exit codes of the manual are those of the programs", () => {
  const rows = [...(PAGES.get("exit-codes") ?? "").matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  const documented = Object.keys(EXIT_CODES).map(Number).filter((code) => code <= 8);
  assertEquals(rows.filter((code) => code <= 8), documented);
});

Deno.test("every page is in the registry, has at most 12 KiB and no line of more than 120 columns", async () => {
  const files = [];
  for await (const { name } of Deno.readDir(fromFileUrl("../../src/manual"))) {
    if (name.endsWith(".md")) files.push(name.slice(0, -3));
  }
  assertEquals(files.sort(), [...PAGES.keys()].sort());
  for (const [name, page] of PAGES) {
    assertLess(new TextEncoder().encode(page).length, 12 * 1024 + 1, name);
    for (const line of page.split("\n")) assertLess([...line].length, 121, `${name}: ${line}`);
  }
});

Deno.test("the README links to every page of the manual", () => {
  const missing = TOPICS.filter(({ name }) => !README.includes(`(src/manual/${name}.md)`)).map(({ name }) => name);
  assertEquals(missing, []);
  assertLess(new TextEncoder().encode(README).length, 15_001);
});

Deno.test("the page about readiness names every scheme that can be checked", () => {
  const page = PAGES.get("readiness") ?? "";
  const missing = PROTOCOLS.flatMap(({ schemes }) => schemes)
    .filter((scheme) => !page.includes("`" + scheme + "`") && !page.includes("`" + scheme + ":"));
  assertEquals(missing, []);
});

Deno.test("every page begins with its title and an example", () => {
  for (const [name, page] of PAGES) {
    const [title = "", , next = ""] = page.split("\n");
    assert(/^# \S/.test(title), name);
    assert(/^```\w+$/.test(next), `${name}: an example follows the title`);
  }
});

Deno.test("every link of the README and the manual leads to a heading or a file that is there", async () => {
  const folder = fromFileUrl("../../src/manual/");
  const sources = [
    ["README.md", README, fromFileUrl("../../")],
    ...[...PAGES].map(([name, page]) => [name, page, folder]),
  ];
  for (const [name = "", page = "", base = ""] of sources) {
    for (const [, target = ""] of page.matchAll(/(?:\]\(|src=")([^)"\s]+)[)"]/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const text = path === "" ? page : await Deno.readTextFile(`${base}${path}`);
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => slug(heading));
      if (anchor !== undefined) assert(headings.includes(anchor), `${name}: ${target}`);
    }
  }
});

/** A heading as GitHub makes an anchor of it. */
function slug(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

Deno.test("the help of every program and command fits a screen: 40 lines of 80 columns", async () => {
  for (const program of PROGRAMS) {
    const texts = new Map([[program.name, programHelp(program)]]);
    for (const command of (await loadProgram(program)).commands) {
      texts.set(`${program.name} ${command.name}`, commandHelp(program, command));
      for (const line of commandHelp(program, command, true).split("\n")) assertLess(line.length, 81, line);
    }
    for (const [name, text] of texts) {
      assertLess(text.trimEnd().split("\n").length, 41, name);
      for (const line of text.split("\n")) assertLess(line.length, 81, `${name}: ${line}`);
    }
  }
});
