import { type FrameError, UsageError } from "../../base/errors.ts";

/** What the user wants to send cannot be said in the framing that the user has chosen: no fault of the peer's. */
export function unsayable(error: FrameError): UsageError {
  return new UsageError(`${error.message} (--framing)`, { cause: error });
}
