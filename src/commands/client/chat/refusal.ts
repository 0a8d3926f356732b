import { preview, utf8 } from "../../../base/bytes.ts";
import { ParleyError } from "../../../base/errors.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import type { Session } from "../../../session/session.ts";

/** Codes of a Close frame: protocol error, wrong type of data, not UTF-8, too large (RFC 6455, section 7.4.1). */
const REFUSALS: ReadonlySet<number> = new Set([1002, 1003, 1007, 1009]);

/** The server answered, and said no: trying again would not help. */
export class RefusedByServerError extends ParleyError {
  override name = "RefusedByServerError";
}

/** A server that could not take what it was sent could not take it the next time either. */
export function refusalOf({ closeFrame }: Session, cause: unknown): RefusedByServerError | undefined {
  if (closeFrame === undefined || !REFUSALS.has(closeFrame.code)) return undefined;
  const why = closeFrame.text === "" ? "" : ` (${closeFrame.text})`;
  return new RefusedByServerError(`The server closed the connection with code ${closeFrame.code}${why}`, { cause });
}

/** Something answered that is not a chat of ours. */
export function strangeWords(session: Session, said: string): ParleyError {
  const endpoint = formatEndpoint(session.remote);
  const shown = preview(utf8(said.trimEnd()), 80);
  return new ParleyError(`${endpoint} does not speak as a Parley chat does: it said "${shown}"`, { endpoint });
}
