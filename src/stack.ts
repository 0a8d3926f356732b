/**
 * Runs several services in one process, from one description.
 *
 * @module
 */

import "./log/logtape.ts";
import { runStack, stackEndpoints } from "./commands/server/stack/open_stack.ts";
import { parseStackFile } from "./commands/server/stack/stack_file.ts";
import { readEnvironment } from "./script/file/variables.ts";

/** A service of a stack: its endpoints and flags, named as on the command line without `--`. */
export interface StackServiceConfig {
  /** Name of the service, such as `echo`, `reply`, `mock` or `relay`. */
  readonly service: string;
  /**
   * The endpoint to listen on; port 0 selects a free port.
   *
   * @default {The default endpoint of the service.}
   */
  readonly endpoint?: string;
  /** Several endpoints to listen on. */
  readonly endpoints?: readonly string[];
  /** The program of an `exec` service, with its arguments. */
  readonly program?: readonly string[];
  /** A flag of the service, in kebab case. */
  readonly [flag: string]: string | number | boolean | readonly (string | number)[] | undefined;
}

/** The content of a stack file. */
export interface StackConfig {
  /** The services, by name. */
  readonly services: Readonly<Record<string, StackServiceConfig>>;
  /** Replacements for `${name}`. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A running stack; see {@linkcode startStack}. */
export interface RunningStack extends AsyncDisposable {
  /** The endpoints of each service, by name. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  /** Drains and stops every service. */
  shutdown(): Promise<void>;
}

/**
 * Starts every service of a stack, as `parley-server stack` does.
 *
 * @example Two servers for a test
 * ```ts
 * import { dial } from "@parley/parley";
 * import { startStack } from "@parley/parley/stack";
 * import { assertEquals } from "@std/assert";
 *
 * await using stack = await startStack({
 *   services: {
 *     echo: { service: "echo", endpoint: "tcp://127.0.0.1:0", framing: "line" },
 *     answer: { service: "reply", endpoint: "tcp://127.0.0.1:0", text: "ok" },
 *   },
 * });
 * await using client = await dial(stack.endpoints["echo"]?.[0] ?? "", { framing: "line" });
 * client.send("hello");
 * for await (const message of client) {
 *   assertEquals(message.text(), "hello");
 *   break;
 * }
 * ```
 *
 * @throws {UsageError} The description is invalid; the message names the field.
 * @throws {BindError} An address is in use, not permitted, or not available on this machine.
 */
export async function startStack(config: StackConfig): Promise<RunningStack> {
  const stack = await parseStackFile(JSON.stringify(config), "stack", readEnvironment);
  const running = await runStack(stack);
  const { shutdown } = running;
  return { endpoints: stackEndpoints(running.opened), shutdown, [Symbol.asyncDispose]: shutdown };
}
