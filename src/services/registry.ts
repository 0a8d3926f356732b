import { echo } from "./echo.ts";
import type { RegisteredService } from "./service.ts";

/** Every service of `parley-server`, in the order of `--help`. */
export const SERVICES: readonly RegisteredService[] = [
  echo,
];
