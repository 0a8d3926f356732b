/**
 * All works; each has a load generator and its contenders.
 *
 * @module
 */

import { CHAT_WORKS } from "./chat_works.ts";
import { CLIENT_WORKS } from "./client_works.ts";
import { CLUSTER_WORKS } from "./cluster_works.ts";
import { ECHO_WORKS } from "./echo_works.ts";
import { PROCESS_WORKS } from "./process_works.ts";
import { RELAY_WORKS } from "./relay_works.ts";
import { SOCKET_WORKS } from "./socket_works.ts";
import { START_WORKS } from "./start_works.ts";
import type { Work } from "./work.ts";

/** Every work, in the order of the table. */
export const WORKS: readonly Work[] = [
  ...ECHO_WORKS,
  ...SOCKET_WORKS,
  ...RELAY_WORKS,
  ...CHAT_WORKS,
  ...CLUSTER_WORKS,
  ...CLIENT_WORKS,
  ...START_WORKS,
  ...PROCESS_WORKS,
];
