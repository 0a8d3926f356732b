import { messageOf } from "../../base/errors.ts";

/** The error response to a request. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The error for an invalid request body. */
export function badBody(cause: unknown): ApiError {
  return new ApiError(400, `bad request body: ${messageOf(cause)}`, { cause });
}
