/**
 * Chat rooms as a library.
 *
 * @module
 */

import "../log/logtape.ts";

export type { Retention } from "./history.ts";
export { JSON_SUBPROTOCOL } from "./event_format.ts";
export { type ChatOptions, createChat } from "./service.ts";
