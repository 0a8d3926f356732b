/**
 * Chat rooms for a program of your own.
 *
 * @module
 */

import "../log/logtape.ts";

export type { Retention } from "./history.ts";
export { JSON_SUBPROTOCOL } from "./event_format.ts";
export { type ChatOptions, createChat } from "./service.ts";
