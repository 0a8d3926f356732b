import { decodeText } from "./clean_text.ts";
import { ROOMS_PER_MEMBER } from "./hub.ts";
import { typeOfRequest } from "./json_request.ts";
import type { Wire } from "./wire.ts";

/**
 * Requests to enter a room that the message rate does not count: whoever comes
 * back goes to all its rooms at once. As many a connection as one may be in.
 */
export class FreeEntries {
  #left = ROOMS_PER_MEMBER;

  /** Whether what came is one of them. */
  take(wire: Wire, data: Uint8Array): boolean {
    if (this.#left === 0 || !asksToEnter(wire, data)) return false;
    this.#left--;
    return true;
  }
}

function asksToEnter(wire: Wire, data: Uint8Array): boolean {
  const text = decodeText(data) ?? "";
  return wire.name === "json" ? typeOfRequest(text) === "join" : /^\/join\s/i.test(text);
}
