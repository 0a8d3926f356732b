/**
 * Checks that imports follow one order, and that code with side effects is only in the allowed places.
 *
 * @module
 */

import { type SourceFile, sourceFiles } from "./source_files.ts";

/**
 * The rooms of `src/`, each of which may import itself and the rooms before it.
 * A file such as `factory.ts` is a room; `entry` holds the entry points of the programs.
 */
const ROOMS = [
  "base",
  "log",
  "framing",
  "net",
  "factory",
  "process",
  "http",
  "guard",
  "session",
  "websocket",
  "dial",
  "server",
  "datagram",
  "script",
  "relay",
  "load",
  "probe",
  "chat",
  "services",
  "mod",
  "manual",
  "cli",
  "testing",
  "commands",
  "stack",
  "entry",
];

/** Text that is allowed only in some places. */
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
const LAZY_IMPORT = /\bimport\("(\.[^"]+)"\)/g;

/** Every violation of the rules, one line each. */
export function importFaults(files: readonly SourceFile[]): string[] {
  return [...files.flatMap((file) => [...directionFaults(file), ...reservedFaults(file)]), ...cycleFaults(files)];
}

function directionFaults(file: SourceFile): string[] {
  const { path } = file;
  const from = ROOMS.indexOf(folderOf(path));
  if (from === -1) return [`src/${path}: the folder ${folderOf(path)} has no place in the order of imports`];
  return [...importsOf(file), ...importsOf(file, LAZY_IMPORT)]
    .filter((target) => ROOMS.indexOf(folderOf(target)) > from)
    .map((target) => `src/${path}: ${folderOf(path)} must not import ${target}`);
}

/** One line for each cycle, including types; dynamic imports do not count. */
function cycleFaults(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const faults: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const file = byPath.get(path);
    const start = way.indexOf(path);
    if (start !== -1) faults.push(`src/${path}: imports itself: ${[...way.slice(start), path].join(" -> ")}`);
    if (file === undefined || start !== -1 || done.has(path)) return;
    for (const target of importsOf(file)) visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return faults;
}

function importsOf({ path, text }: SourceFile, pattern = IMPORT): string[] {
  return [...text.matchAll(pattern)].map(([, named, bare]) =>
    new URL(named ?? bare ?? "", `file:///${path}`).pathname.slice(1)
  );
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
