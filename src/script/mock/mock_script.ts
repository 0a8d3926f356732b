import type { Duration } from "../../base/units.ts";
import type { ExchangeSession } from "../exchange.ts";
import type { Pattern, Step, Wanted } from "../steps.ts";

/** The script of a mock. */
export interface MockScript {
  /** For reports. */
  readonly name?: string | undefined;
  /** The framing; `raw` by default. */
  readonly framing?: string | undefined;
  /**
   * Time limit for each expectation of a script.
   *
   * @default {"5s"}
   */
  readonly timeout?: Duration | undefined;
  /**
   * Without framing, an input for `when` ends when nothing is received for this time.
   *
   * @default {"20ms"}
   */
  readonly quiet?: Duration | undefined;
  /** Sent first to each client, unless a script has its own `on-connect` steps. */
  readonly onConnect?: readonly Step[] | undefined;
  /** Scripts, used in order, and rules, which have a `when`. */
  readonly connections: readonly MockEntry[];
  /**
   * Reaction to an unmatched input. `ignore` drops it.
   *
   * @default {"close"}
   */
  readonly otherwise?: "close" | "reset" | "ignore" | readonly Step[] | undefined;
  /** Expectations checked at the end. */
  readonly expect?: MockExpectations | undefined;
}

/** Expectations checked at the end. */
export interface MockExpectations {
  /** Expected number of clients. */
  readonly connections?: number | undefined;
  /**
   * Expected number of unmatched inputs.
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
  /** Applies only if these values are set; `""` means not set. */
  readonly if?: Readonly<Record<string, string>> | undefined;
  /** Steps when the client has connected. */
  readonly onConnect?: readonly Step[] | undefined;
  /** The steps, fixed or created per session. */
  readonly steps: readonly Step[] | ((session: ExchangeSession) => readonly Step[]);
  /**
   * Maximum number of uses.
   *
   * @default {1 for a script, any number for a rule}
   */
  readonly times?: number | undefined;
  /** Values to set afterwards for this connection; they may contain captured groups. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** The same for all connections. */
  readonly setGlobal?: Readonly<Record<string, string>> | undefined;
}

/** Whether a step resets the connection, which must then be opened accordingly. */
export function canReset({ connections, otherwise, onConnect = [] }: MockScript): boolean {
  const resets = (steps: MockEntry["steps"]) =>
    typeof steps !== "function" && steps.some(({ kind }) => kind === "reset");
  return otherwise === "reset" || resets(onConnect) || typeof otherwise === "object" && resets(otherwise) ||
    connections.some(({ steps, onConnect = [] }) => resets(steps) || resets(onConnect));
}
