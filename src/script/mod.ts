/**
 * Scripts: what to send and what to expect, on either side of a connection.
 *
 * @module
 */

export type { ExchangeReport, ExchangeSession, StepReport } from "./exchange.ts";
export { ExpectationError } from "./expectation_error.ts";
export type { Captures, Payload } from "./payload.ts";
export { runScript, type ScriptOptions } from "./run_script.ts";
export * from "./steps.ts";
