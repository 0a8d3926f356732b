import { chargen } from "./chargen.ts";
import { daytime } from "./daytime.ts";
import { discard } from "./discard.ts";
import { chat } from "./chat.ts";
import { echo } from "./echo.ts";
import { greet } from "./greet.ts";
import { reply } from "./reply.ts";
import type { RegisteredService } from "./service.ts";
import { time } from "./time.ts";

/** Every service of `parley-server`, in the order of `--help`. */
export const SERVICES: readonly RegisteredService[] = [
  chat,
  echo,
  greet,
  reply,
  discard,
  chargen,
  daytime,
  time,
];
