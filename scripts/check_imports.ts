/**
 * Checks that imports go one way, and that what touches the world stands only
 * where it may.
 *
 * @module
 */

import { type SourceFile, sourceFiles } from "./source_files.ts";

/** What each folder of `src/` may import, beside itself. The file `factory.ts` counts as a folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  log: ["base"],
  framing: ["base"],
  process: ["net", "log", "base"],
  net: ["framing", "log", "base"],
  factory: ["net", "framing", "log", "base"],
  http: ["factory", "framing", "net", "log", "base"],
  guard: ["factory", "net", "log", "base"],
  serve: ["http", "services", "chat", "guard", "framing", "factory", "net", "log", "base"],
  services: ["process", "http", "serve", "chat", "guard", "framing", "factory", "net", "log", "base"],
  chat: ["serve", "services", "http", "guard", "framing", "factory", "net", "log", "base"],
  script: ["serve", "http", "guard", "framing", "factory", "net", "log", "base"],
  datagram: ["guard", "framing", "factory", "net", "log", "base"],
  probe: ["process", "datagram", "serve", "http", "framing", "factory", "net", "log", "base"],
  cli: ["log", "base"],
  commands: [
    "script",
    "probe",
    "http",
    "process",
    "cli",
    "serve",
    "services",
    "chat",
    "datagram",
    "guard",
    "framing",
    "factory",
    "net",
    "log",
    "base",
  ],
  mod: ["probe", "http", "serve", "services", "chat", "datagram", "guard", "framing", "factory", "net", "log", "base"],
  entry: ["cli", "commands", "base"],
};

/** Text that may stand only in some places. */
const RESERVED: readonly { pattern: RegExp; places: RegExp; rule: string }[] = [
  { pattern: /\bDeno\.(?:exit|args)\b/, places: /^(?:server|client|udp)\.ts$/, rule: "only entries use it" },
  {
    pattern: /\bDeno\.(?:listen|listenTls|listenDatagram|connect|connectTls|startTls|connectQuic|serve)\(/,
    places: /^net\//,
    rule: "only net/ opens sockets",
  },
  { pattern: /from "node:(?:net|tls|dgram|http|https)"/, places: /^net\//, rule: "only net/ opens sockets" },
  {
    pattern: /^import (?!type\b).*from "node:sqlite"/m,
    places: /sqlite\.ts$/,
    rule: "only the SQLite module imports its driver",
  },
  { pattern: /from "@nats-io\//, places: /nats/, rule: "only the NATS module imports its driver" },
];

const ENTRIES = ["server", "client", "udp"];
const IMPORT = /^(?:import|export)\b[^"]*?from "(\.[^"]+)"|^import "(\.[^"]+)"/gm;

/** Every breach of the rules, a line each. */
export function importFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...directionFaults(file), ...reservedFaults(file)]);
}

function directionFaults({ path, text }: SourceFile): string[] {
  const from = folderOf(path);
  const allowed = MAY_IMPORT[from];
  if (allowed === undefined) return [`src/${path}: the folder ${from} has no place in the order of imports`];
  return [...text.matchAll(IMPORT)].flatMap(([, named, bare]) => {
    const target = new URL(named ?? bare ?? "", `file:///${path}`).pathname.slice(1);
    const to = folderOf(target);
    return to === from || allowed.includes(to) ? [] : [`src/${path}: ${from} must not import ${target}`];
  });
}

function reservedFaults({ path, code }: SourceFile): string[] {
  const faults = RESERVED.filter(({ pattern, places }) => pattern.test(code) && !places.test(path))
    .map(({ pattern, rule }) => `src/${path}: "${pattern.exec(code)?.[0]}": ${rule}`);
  const io = folderOf(path) === "framing" ? /\bDeno\.|\bfetch\(|from "node:/.exec(code) : null;
  return io === null ? faults : [...faults, `src/${path}: "${io[0]}": framing/ does no I/O`];
}

function folderOf(path: string): string {
  const [first = "", ...rest] = path.split("/");
  if (rest.length > 0) return first;
  const name = first.replace(/(?:\.d)?\.ts$/, "");
  return ENTRIES.includes(name) ? "entry" : name;
}

if (import.meta.main) {
  const faults = importFaults(await sourceFiles());
  for (const fault of faults) console.error(fault);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
