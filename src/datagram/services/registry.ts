import type { RegisteredDatagramService } from "../service.ts";
import { discard } from "./discard.ts";
import { echo } from "./echo.ts";
import { reply } from "./reply.ts";
import { sink } from "./sink.ts";
import { upper } from "./upper.ts";

/** Every service of `parley-udp serve`, in the order of `--help`. */
export const DATAGRAM_SERVICES: readonly RegisteredDatagramService[] = [
  echo,
  upper,
  discard,
  reply,
  sink,
];
