/**
 * Scripts: what to send and what to expect, on either side of a connection.
 *
 * @module
 */

import "../log/logtape.ts";

export type { ExchangeReport, ExchangeSession, StepReport } from "./exchange.ts";
export { ExpectationError } from "./expectation_error.ts";
export type { MockEntry, MockExpectations, MockScript } from "./mock/mock_script.ts";
export { mock, type RunningMock, type StartMockOptions } from "./mock/start_mock.ts";
export type { Captures, Payload } from "./payload.ts";
export { runScript, type ScriptOptions } from "./run_script.ts";
export * from "./steps.ts";
