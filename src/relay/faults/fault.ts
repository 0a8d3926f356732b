/**
 * Faults: stages that process one direction of a relayed connection, or conditions on accepting the connection.
 *
 * The effect depends on the seed, the connection's number, the direction and the byte offset, never on time or on how
 * reads split the stream.
 *
 * @module
 */

import type { CloseFrame } from "../../session/close_code.ts";
import type { Clock } from "./clock.ts";

/** The direction of data. */
export type Direction = "to-server" | "to-client";

/** How a direction ends. */
export interface Ending {
  /**
   * `end` ends this direction only; `close` closes the connection after everything before it has been sent; `reset`
   * resets it.
   */
  readonly how: "end" | "close" | "reset";
  /** The WebSocket Close frame that ended it, or that is to be sent. */
  readonly frame?: CloseFrame | undefined;
  /** A WebSocket ended without a Close frame. */
  readonly isCut?: boolean;
}

/** A sink for one direction. The caller awaits each call before the next. */
export interface Flow {
  /**
   * Accepts bytes or one WebSocket message, which may change after the promise has settled. It settles when more can be
   * accepted.
   */
  data(bytes: Uint8Array, isText: boolean): Promise<void>;
  /** The end of the direction. */
  end(ending: Ending): Promise<void>;
}

/** An active fault in one direction of a connection. */
export interface Stage extends Flow {
  /** Whether it holds data for which {@linkcode Flow.data} has already settled. */
  readonly isHolding?: boolean;
}

/** Options of a stage. */
export interface StageContext {
  /** The next stage. */
  readonly next: Flow;
  /** Random numbers from 0 up to 1 for this fault, connection and direction. */
  readonly random: () => number;
  /** Random access to numbers from 0 up to 1 by index. */
  readonly draw: (index: number) => number;
  /** Whether each `data()` is a WebSocket message, which must stay whole. */
  readonly isMessages: boolean;
  /** Byte count of an earlier version of the fault, if it was changed in use. */
  readonly offset: number;
  /** The clock. */
  readonly clock: Clock;
  /** Aborts when the fault is removed or the connection has ended: held data is then passed on immediately. */
  readonly removed: AbortSignal;
}

/** Abort reason of {@linkcode StageContext.removed} if a fault is removed from an open connection. */
export const REMOVED: unique symbol = Symbol("removed");

/** The condition on accepting a connection. */
export interface AcceptContext {
  /** The clock. */
  readonly clock: Clock;
  /** Aborts when the relay closes. */
  readonly signal: AbortSignal;
}

/** One attribute of a fault, as plain data. */
export type AttributeSpec =
  & { readonly help: string }
  & (
    | { readonly type: "duration" | "size" | "rate" | "share"; readonly default?: number }
    | { readonly type: "integer"; readonly default?: number; readonly min?: number; readonly max?: number }
    | { readonly type: "choice"; readonly choices: readonly string[]; readonly default: string }
  );

/** Attributes by name. The first one may be given without its name. */
export type AttributeTable = Readonly<Record<string, AttributeSpec>>;

/** Attribute values: milliseconds, bytes, bytes per second, a share from 0 to 1, a number, or one of the choices. */
export type AttributeValues<T extends AttributeTable> = {
  readonly [K in keyof T]: T[K] extends { type: "choice" } ? string
    : T[K] extends { default: number } ? number
    : number | undefined;
};

/** A type of fault: one file each, one line in the registry. */
export interface FaultDefinition<T extends AttributeTable> {
  /** Name, such as `latency` in `--fault latency:100ms`. */
  readonly name: string;
  /** One line for the help, without a full stop. */
  readonly summary: string;
  /** Its attributes. */
  readonly attributes: T;
  /** Whether the first attribute is required. */
  readonly needsFirst?: boolean;
  /** Works on the messages of a WebSocket, not on bytes. */
  readonly isForMessages?: boolean;
  /** Creates the stage for one direction. */
  stage?(attributes: AttributeValues<T>, context: StageContext): Stage;
  /** Called once per connection before the target is dialed; `false` rejects it with a reset. */
  accept?(attributes: AttributeValues<T>, context: AcceptContext): Promise<boolean>;
}

/** A fault type with any attributes. */
export interface FaultType extends Omit<FaultDefinition<AttributeTable>, "stage" | "accept"> {
  /** Creates the stage for one direction, if any. */
  readonly stage: ((attributes: Attributes, context: StageContext) => Stage) | undefined;
  /** The condition before the target is dialed, if any. */
  readonly accept: ((attributes: Attributes, context: AcceptContext) => Promise<boolean>) | undefined;
}

/** Values of attributes, by name. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Defines a fault type; its functions are typed by its attributes. */
export function defineFault<const T extends AttributeTable>(definition: FaultDefinition<T>): FaultType {
  const { stage, accept } = definition;
  return {
    ...definition,
    // The parser makes the values from the same table, so they have these types.
    stage: stage && ((attributes, context) => stage(attributes as AttributeValues<T>, context)),
    accept: accept && ((attributes, context) => accept(attributes as AttributeValues<T>, context)),
  };
}

/** A configured fault of a relay. */
export interface Fault {
  /** The type. */
  readonly type: FaultType;
  /** Unique name; also selects its randomness. */
  readonly name: string;
  /** The values of its attributes. */
  readonly attributes: Attributes;
  /** `undefined` for both. */
  readonly direction: Direction | undefined;
  /** Share of the connections, from 0 to 1. */
  readonly share: number;
  /** Numbers of connections, from 1: pairs of a first and a last one. `undefined` for all. */
  readonly only: readonly (readonly [number, number])[] | undefined;
}
