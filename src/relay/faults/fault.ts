/**
 * What a fault is: a stage that the bytes of one direction of a relayed
 * connection pass through, or a condition on accepting the connection.
 *
 * What a fault does depends on the seed, the connection's number, the direction
 * and the byte offset: never on time, nor on how reads have cut the stream.
 *
 * @module
 */

import type { CloseFrame } from "../../session/close_code.ts";
import type { Clock } from "./clock.ts";

/** Which way bytes go. */
export type Direction = "to-server" | "to-client";

/** How a direction ends. */
export interface Ending {
  /** `end` is of this direction alone; `close` closes the connection once everything before it has left; `reset` resets it. */
  readonly how: "end" | "close" | "reset";
  /** The WebSocket Close frame that ended it, or that is to be sent. */
  readonly frame?: CloseFrame | undefined;
  /** A WebSocket ended without a Close frame. */
  readonly isCut?: boolean;
}

/** Where the bytes of one direction go. The caller waits for each call before the next. */
export interface Flow {
  /**
   * Takes bytes, or one WebSocket message; they may change once the promise has
   * settled. It settles when more may come.
   */
  data(bytes: Uint8Array, isText: boolean): Promise<void>;
  /** Nothing follows. */
  end(ending: Ending): Promise<void>;
}

/** A fault at work in one direction of one connection. */
export interface Stage extends Flow {
  /** Whether anything waits in it that {@linkcode Flow.data} has already settled for. */
  readonly isHolding?: boolean;
}

/** What a stage is made from. */
export interface StageContext {
  /** What follows. */
  readonly next: Flow;
  /** A sequence from 0 up to 1 of this fault, connection and direction. */
  readonly random: () => number;
  /** The same number from 0 up to 1 for the same index, in whatever order they are asked for. */
  readonly draw: (index: number) => number;
  /** Whether each `data()` is a WebSocket message, which must stay whole. */
  readonly isMessages: boolean;
  /** Bytes of the direction that an earlier version of the fault has seen, when it was changed in use. */
  readonly offset: number;
  /** Time: the system's, or that of a test. */
  readonly clock: Clock;
  /** Aborts when the fault is removed, or the connection is over: what waits is passed on at once. */
  readonly removed: AbortSignal;
}

/** Why {@linkcode StageContext.removed} aborts when a fault is taken away while the connection goes on. */
export const REMOVED: unique symbol = Symbol("removed");

/** The condition on accepting a connection. */
export interface AcceptContext {
  /** Time: the system's, or that of a test. */
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

/** Values of a table: milliseconds, bytes, bytes a second, a share from 0 to 1, a number, or one of the choices. */
export type AttributeValues<T extends AttributeTable> = {
  readonly [K in keyof T]: T[K] extends { type: "choice" } ? string
    : T[K] extends { default: number } ? number
    : number | undefined;
};

/** A kind of fault: one file each, one line in the registry. */
export interface FaultDefinition<T extends AttributeTable> {
  /** As it is typed: `latency` of `--fault latency:100ms`. */
  readonly name: string;
  /** One line for the help, without a full stop. */
  readonly summary: string;
  /** What can be set of it. */
  readonly attributes: T;
  /** The first attribute must be given. */
  readonly needsFirst?: boolean;
  /** Works on the messages of a WebSocket, not on bytes. */
  readonly isForMessages?: boolean;
  /** What it does to one direction. */
  stage?(attributes: AttributeValues<T>, context: StageContext): Stage;
  /** Called before the target is dialled, once a connection; `false` refuses it with a reset. */
  accept?(attributes: AttributeValues<T>, context: AcceptContext): Promise<boolean>;
}

/** A kind of fault with any attributes. */
export interface FaultType extends Omit<FaultDefinition<AttributeTable>, "stage" | "accept"> {
  /** What it does to one direction, if anything. */
  readonly stage: ((attributes: Attributes, context: StageContext) => Stage) | undefined;
  /** What it does before the target is dialled, if anything. */
  readonly accept: ((attributes: Attributes, context: AcceptContext) => Promise<boolean>) | undefined;
}

/** Values of attributes, by name. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Makes a kind of fault; its functions are typed by its table of attributes. */
export function defineFault<const T extends AttributeTable>(definition: FaultDefinition<T>): FaultType {
  const { stage, accept } = definition;
  return {
    ...definition,
    // The parser makes the values from the same table, which is what gives them these types.
    stage: stage && ((attributes, context) => stage(attributes as AttributeValues<T>, context)),
    accept: accept && ((attributes, context) => accept(attributes as AttributeValues<T>, context)),
  };
}

/** A fault of a relay: what happens, and to which connections. */
export interface Fault {
  /** What happens. */
  readonly type: FaultType;
  /** Names it among the faults of a relay, and picks its randomness. */
  readonly name: string;
  /** The values of its attributes. */
  readonly attributes: Attributes;
  /** `undefined` is both. */
  readonly direction: Direction | undefined;
  /** Share of the connections, from 0 to 1. */
  readonly share: number;
  /** Numbers of connections, from 1: pairs of a first and a last one. `undefined` is every one. */
  readonly only: readonly (readonly [number, number])[] | undefined;
}
