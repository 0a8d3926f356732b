/**
 * The manual: one page a topic, and what each is about.
 *
 * @module
 */

import type { FlagGroup } from "../base/flag_spec.ts";

/** A page of the manual. */
export interface Topic {
  /** As it is typed: `PROGRAM help NAME`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The commands that it documents, with their programs. Each command is on one page. */
  readonly commands?: readonly string[];
  /** The groups of flags that it documents. Each group is on one page. */
  readonly groups?: readonly FlagGroup[];
  /** Loads the page. */
  load(): Promise<string>;
}

/** Every page, in the order of the manual. */
export const TOPICS: readonly Topic[] = [
  {
    name: "endpoints",
    summary: "how to write an endpoint: schemes, short forms, defaults",
    load: async () => (await import("./endpoints.md", { with: { type: "text" } })).default,
  },
  {
    name: "framing",
    summary: "how a stream is cut into messages",
    groups: ["Framing"],
    load: async () => (await import("./framing.md", { with: { type: "text" } })).default,
  },
  {
    name: "exec",
    summary: "programs as servers: exec",
    commands: ["parley-server exec"],
    load: async () => (await import("./exec.md", { with: { type: "text" } })).default,
  },
  {
    name: "mock",
    summary: "scripted servers: mock",
    commands: ["parley-server mock"],
    load: async () => (await import("./mock.md", { with: { type: "text" } })).default,
  },
  {
    name: "stack",
    summary: "many services from one file",
    commands: ["parley-server stack"],
    load: async () => (await import("./stack.md", { with: { type: "text" } })).default,
  },
  {
    name: "relay",
    summary: "forward connections, with faults and Toxiproxy's API",
    commands: ["parley-server relay"],
    load: async () => (await import("./relay.md", { with: { type: "text" } })).default,
  },
  {
    name: "faults",
    summary: "what a relay can do to a connection",
    load: async () => (await import("./faults.md", { with: { type: "text" } })).default,
  },
  {
    name: "units",
    summary: "durations, sizes, rates, shares and escapes",
    load: async () => (await import("./units.md", { with: { type: "text" } })).default,
  },
  {
    name: "exit-codes",
    summary: "what each exit code means, and what signals do",
    load: async () => (await import("./exit-codes.md", { with: { type: "text" } })).default,
  },
];
