import type { Duration } from "../../base/units.ts";
import type { ExchangeSession } from "../exchange.ts";
import type { Pattern, Step, Wanted } from "../steps.ts";

/** What a scripted peer does with its clients. */
export interface MockScript {
  /** For reports. */
  readonly name?: string | undefined;
  /** How a stream is cut into messages; `raw` by default. */
  readonly framing?: string | undefined;
  /**
   * For each expectation of a script.
   *
   * @default {"5s"}
   */
  readonly timeout?: Duration | undefined;
  /**
   * Without framing, what comes is one input for `when` until nothing more has
   * come for this time.
   *
   * @default {"20ms"}
   */
  readonly quiet?: Duration | undefined;
  /** What each client is sent first that no script with such steps of its own takes. */
  readonly onConnect?: readonly Step[] | undefined;
  /** Scripts, which are taken in order, and rules, which have a `when`. */
  readonly connections: readonly MockEntry[];
  /**
   * What follows an input that nothing matches. `ignore` drops it.
   *
   * @default {"close"}
   */
  readonly otherwise?: "close" | "reset" | "ignore" | readonly Step[] | undefined;
  /** What must be true in the end. */
  readonly expect?: MockExpectations | undefined;
}

/** What must be true in the end. */
export interface MockExpectations {
  /** How many clients came. */
  readonly connections?: number | undefined;
  /**
   * How many inputs nothing matched.
   *
   * @default {0}
   */
  readonly unmatched?: number | undefined;
}

/** A script for a whole connection, or with `when` a rule for each input that it matches. */
export interface MockEntry {
  /** For reports. */
  readonly name?: string | undefined;
  /** The input that the rule is for. */
  readonly when?: Pattern | Wanted | undefined;
  /** Only where these values are set; `""` is a value that is not. */
  readonly if?: Readonly<Record<string, string>> | undefined;
  /** Done as soon as the client is there. */
  readonly onConnect?: readonly Step[] | undefined;
  /** What is done, the same for each client or by its session. */
  readonly steps: readonly Step[] | ((session: ExchangeSession) => readonly Step[]);
  /**
   * How often it can be used.
   *
   * @default {1 for a script, any number for a rule}
   */
  readonly times?: number | undefined;
  /** Values to set afterwards for this connection; captured groups have their places in them. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** The same for all connections. */
  readonly setGlobal?: Readonly<Record<string, string>> | undefined;
}

/** Whether one of its steps resets a connection, for which it must be opened in a special way. */
export function canReset({ connections, otherwise, onConnect = [] }: MockScript): boolean {
  const resets = (steps: MockEntry["steps"]) =>
    typeof steps !== "function" && steps.some(({ kind }) => kind === "reset");
  return otherwise === "reset" || resets(onConnect) || typeof otherwise === "object" && resets(otherwise) ||
    connections.some(({ steps, onConnect = [] }) => resets(steps) || resets(onConnect));
}
