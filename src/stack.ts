/**
 * Many services in the process of a test, from one description.
 *
 * @module
 */

import "./log/logtape.ts";
import { runStack, stackEndpoints } from "./commands/server/stack/open_stack.ts";
import { parseStackFile } from "./commands/server/stack/stack_file.ts";
import { readEnvironment } from "./script/file/variables.ts";

/** A service of a stack: its endpoints, and its flags as on the command line, without `--`. */
export interface StackServiceConfig {
  /** What it serves, such as `echo`, `reply`, `mock` or `relay`. */
  readonly service: string;
  /**
   * Where to listen; port 0 is a free port.
   *
   * @default {The service's own endpoint.}
   */
  readonly endpoint?: string;
  /** Where to listen, if at several endpoints. */
  readonly endpoints?: readonly string[];
  /** The program that an `exec` runs, and its arguments. */
  readonly program?: readonly string[];
  /** A flag of the service, in kebab case. */
  readonly [flag: string]: string | number | boolean | readonly (string | number)[] | undefined;
}

/** What a stack file says. */
export interface StackConfig {
  /** The services, by names of yours. */
  readonly services: Readonly<Record<string, StackServiceConfig>>;
  /** Texts that `${name}` stands for. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A stack that serves; see {@linkcode startStack}. */
export interface RunningStack extends AsyncDisposable {
  /** Where each service listens, by its name. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  /** Drains every service. */
  shutdown(): Promise<void>;
}

/**
 * Starts every service of a stack, as `parley-server stack` does.
 *
 * @example Two peers of a test
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
 * @throws {UsageError} A service does not take what the description says; the field is named.
 * @throws {BindError} An address is in use, not permitted, or not of this machine.
 */
export async function startStack(config: StackConfig): Promise<RunningStack> {
  const stack = await parseStackFile(JSON.stringify(config), "stack", readEnvironment);
  const running = await runStack(stack);
  const { shutdown } = running;
  return { endpoints: stackEndpoints(running.opened), shutdown, [Symbol.asyncDispose]: shutdown };
}
