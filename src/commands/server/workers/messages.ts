import type { PlainFailure } from "../../../cli/exit_codes.ts";
import type { StatsSnapshot } from "../../../server/stats_snapshot.ts";

/** What a worker serves. */
export interface WorkerTask {
  /** Name of the service. */
  readonly service: string;
  /** Values of its flags. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Where to listen, with the ports that were picked. */
  readonly endpoints: readonly string[];
  readonly index: number;
  readonly count: number;
}

/** From the program to a worker. */
export type ToWorker =
  | { readonly kind: "serve"; readonly task: WorkerTask }
  | { readonly kind: "snapshot"; readonly id: number; readonly withConnections: boolean }
  | { readonly kind: "stop" };

/** From a worker to the program. */
export type FromWorker =
  /** It listens to messages. */
  | { readonly kind: "hello" }
  /** It accepts connections. */
  | { readonly kind: "serving" }
  | { readonly kind: "snapshot"; readonly id: number; readonly snapshot: StatsSnapshot }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly failure: PlainFailure };
