import { bandwidth } from "./bandwidth.ts";
import { corrupt } from "./corrupt.ts";
import { delayAccept } from "./delay_accept.ts";
import { duplicate } from "./duplicate.ts";
import type { FaultType } from "./fault.ts";
import { latency } from "./latency.ts";
import { limit } from "./limit.ts";
import { messageClose, messageDrop, messageDuplicate, messageReorder } from "./message_faults.ts";
import { refuse } from "./refuse.ts";
import { reset } from "./reset.ts";
import { slice } from "./slice.ts";
import { slowClose } from "./slow_close.ts";
import { stall } from "./stall.ts";
import { timeout } from "./timeout.ts";

/** All fault types, in the order of the help. */
export const FAULT_TYPES: readonly FaultType[] = [
  latency,
  bandwidth,
  slice,
  limit,
  stall,
  timeout,
  reset,
  slowClose,
  corrupt,
  duplicate,
  delayAccept,
  refuse,
  messageDrop,
  messageDuplicate,
  messageReorder,
  messageClose,
];
