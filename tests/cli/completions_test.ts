import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bashCompletions } from "../../src/cli/completions/bash.ts";
import { fishCompletions } from "../../src/cli/completions/fish.ts";
import { zshCompletions } from "../../src/cli/completions/zsh.ts";
import { loadProgram, type Program } from "../../src/cli/command.ts";
import { manPage } from "../../src/cli/man_page.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { toolTest } from "../support/tools.ts";

const PROGRAMS = [serverProgram, clientProgram, udpProgram];

/** The output of a shell that runs a script. */
async function shell(command: string, args: readonly string[], files: Record<string, string> = {}): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd: folder }).output();
    const decoder = new TextDecoder();
    assertEquals(code, 0, decoder.decode(stderr));
    assertEquals(decoder.decode(stderr), "");
    return decoder.decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The completions of bash for a line; it splits words at blanks, `:` and `=`, as for a real one. */
async function offers(program: Program, line: string): Promise<string[]> {
  const words = line.split(/ +|(?<=[:=])(?=[^:=])|(?<=[^:=])(?=[:=])/);
  const script = `. ./script; compopt() { :; }
    COMP_LINE='${program.name} ${line}' COMP_WORDS=(${program.name} ${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length}
    _${program.name.replaceAll("-", "_")}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = await shell("bash", ["-c", script], {
    script: bashCompletions(await loadProgram(program)),
    "a file.pem": "",
    "cert.pem": "",
  });
  return output.trim().split("\n");
}

toolTest("bash", "bash completes a command, a flag, a choice, a file and the beginning of an endpoint", async () => {
  assertEquals(await offers(serverProgram, "ec"), ["echo"]);
  assertEquals(await offers(serverProgram, "echo --upp"), ["--upper"]);
  assertEquals(await offers(serverProgram, "echo --log-format "), ["text", "json"]);
  assertEquals(await offers(serverProgram, "echo --tls-cert cer"), ["cert.pem"]);
  assertEquals(await offers(serverProgram, "echo tl"), ["tls://"]);
  assertEquals(await offers(serverProgram, "completions "), ["bash", "zsh", "fish"]);
  assertEquals(await offers(clientProgram, "check w"), ["ws://", "wss://", "ws+unix:"]);
  assertEquals(await offers(udpProgram, "li"), ["listen"]);
});

toolTest("bash", "bash completes a file name with a space as one word (fault 58)", async () => {
  assertEquals(await offers(serverProgram, "echo --tls-cert a"), ["a file.pem"]);
  assertEquals((await offers(clientProgram, "smoke ")).sort(), ["a file.pem", "cert.pem", "script"]);
});

toolTest("bash", "bash completes after a colon and after --flag= (fault 58)", async () => {
  // Bash replaces what follows the colon alone.
  assertEquals(await offers(serverProgram, "echo tcp:"), ["//"]);
  assertEquals(await offers(serverProgram, "echo unixgram:"), [""]);
  assertEquals(await offers(serverProgram, "echo --tls-cert=cer"), ["cert.pem"]);
  assertEquals(await offers(serverProgram, "echo --log-format="), ["text", "json"]);
  assertEquals(await offers(serverProgram, "echo --metrics=tc"), ["tcp://"]);
  assertEquals(await offers(serverProgram, "echo tcp://:8888 tl"), ["tls://"]);
});

toolTest("bash", "bash offers at each position what the command accepts there (fault 58)", async () => {
  assertEquals(await offers(clientProgram, "replay cer"), ["cert.pem"]);
  assertEquals(await offers(clientProgram, "replay --timed --timeout 2s cer"), ["cert.pem"]);
  assertEquals(await offers(clientProgram, "replay --timeout=2s cer"), ["cert.pem"]);
  assertEquals(await offers(clientProgram, "replay cert.pem ws"), ["ws://", "wss://", "ws+unix:"]);
  assertEquals(await offers(udpProgram, "replay cert.pem u"), ["udp://", "unixgram:"]);
  assertEquals(await offers(udpProgram, "relay :5000 u"), ["udp://", "unixgram:"]);
  assertEquals(await offers(clientProgram, "check :1 :2 w"), ["ws://", "wss://", "ws+unix:"]);
  assertEquals(await offers(clientProgram, "run w"), [""]);
});

toolTest("bash", "bash offers the endpoints that the command accepts, and no others (fault 58)", async () => {
  assertEquals(await offers(clientProgram, "bench u"), ["unix:"]);
  assertEquals(await offers(clientProgram, "check u"), ["unix:", "udp://", "unixgram:"]);
  assertEquals(await offers(clientProgram, "check postgres:"), ["//"]);
  assertEquals(await offers(udpProgram, "send t"), [""]);
});

toolTest("zsh", "the completions are a script that zsh can read", async () => {
  for (const program of PROGRAMS) {
    await shell("zsh", ["-n", "script"], {
      script: zshCompletions(await loadProgram(program)),
    });
  }
});

toolTest("fish", "fish completes a command, a flag and a choice", async () => {
  const script = `${fishCompletions(await loadProgram(serverProgram))}
    complete -C 'parley-server ec'
    complete -C 'parley-server echo --upp'
    complete -C 'parley-server echo --log-format '`;
  const lines = (await shell("fish", ["--no-config", "script"], { script })).trim().split("\n");
  assertEquals(lines.map((line) => line.split("\t")[0]), ["echo", "--upper", "json", "text"]);
});

toolTest("fish", "fish offers files and endpoints if a command accepts both (fault 58)", async () => {
  const script = `${fishCompletions(await loadProgram(clientProgram))}
    complete -C 'parley-client replay scr'
    complete -C 'parley-client replay script ws'
    complete -C 'parley-client bench ud'`;
  const lines = (await shell("fish", ["--no-config", "script"], { script })).trim().split("\n");
  assertEquals(lines.map((line) => line.split("\t")[0]), ["script", "ws+unix:", "ws://", "wss://"]);
});

toolTest("man", "man shows each program's page with its commands, flags and exit codes", async () => {
  for (const program of PROGRAMS) {
    const page = manPage(await loadProgram(program));
    const text = await shell("env", ["MANWIDTH=100", "man", "-l", "./page.1"], { "page.1": page });
    assertStringIncludes(text, `${program.name} - ${program.summary}`);
    for (const { name } of program.commands) assert(new RegExp(`^ +${name}$`, "m").test(text), name);
    assertStringIncludes(text, "refused or unreachable");
  }
});

Deno.test("a backslash and a leading dot are printed literally in a manual page", () => {
  const page = manPage({
    name: "a-program",
    schemes: [],
    summary: ".summary with \\n",
    commands: [],
  });
  assertStringIncludes(page, "a\\-program \\- \\&.summary with \\en");
});

toolTest("mandoc", "mandoc reports no problem in the manual pages (fault 59)", async () => {
  for (const program of PROGRAMS) {
    const page = manPage(await loadProgram(program));
    assertEquals(await shell("mandoc", ["-T", "lint", "-W", "warning", "page.1"], { "page.1": page }), "");
  }
});
