/**
 * Readiness: whether servers answer in their own protocols.
 *
 * @module
 */

import "../log/logtape.ts";

export { check, type CheckOptions, type CheckResult, waitFor } from "./check.ts";
export { type Credentials, type Facts, NotReadyError, type ProbeExpectations } from "./probe.ts";
