import { messageOf } from "../../base/errors.ts";

/** What a request is answered with that cannot be served. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The body of a request is wrong. */
export function badBody(cause: unknown): ApiError {
  return new ApiError(400, `bad request body: ${messageOf(cause)}`, { cause });
}
