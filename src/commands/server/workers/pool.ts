import { ParleyError } from "../../../base/errors.ts";
import { type PlainFailure, WorkerError } from "../../../cli/exit_codes.ts";
import { mergeSnapshots, type StatsSnapshot, type StatsSource } from "../../../server/stats_snapshot.ts";
import { startWorker } from "../../worker.ts";

/** The task of a worker. */
export interface WorkerTask {
  /** Name of the service. */
  readonly service: string;
  /** Values of its flags. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The endpoints, with the actual ports. */
  readonly endpoints: readonly string[];
  readonly index: number;
  readonly count: number;
}

/** Messages from the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "serve"; readonly task: WorkerTask }
  | { readonly kind: "snapshot"; readonly id: number; readonly withConnections: boolean }
  | { readonly kind: "stop" };

/** Messages from a worker to the main thread. */
export type FromWorker =
  /** The worker handles messages. */
  | { readonly kind: "hello" }
  /** The worker accepts connections. */
  | { readonly kind: "serving" }
  | { readonly kind: "snapshot"; readonly id: number; readonly snapshot: StatsSnapshot }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly failure: PlainFailure };

/** A worker thread. */
class WorkerHandle {
  readonly serving = Promise.withResolvers<void>();
  readonly ended = Promise.withResolvers<void>();
  readonly #worker: Worker;
  readonly #asked = new Map<number, (snapshot: StatsSnapshot | undefined) => void>();
  #lastId = 0;
  #isEnded = false;

  constructor(worker: Worker, task: WorkerTask) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#onMessage(data, task);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new ParleyError(`A worker failed: ${event.message}`));
    };
    // Prevents unhandled rejections: not every failure is awaited.
    this.serving.promise.catch(() => {});
    this.ended.promise.catch(() => {});
  }

  stop(): void {
    if (!this.#isEnded) this.#send({ kind: "stop" });
  }

  terminate(): void {
    this.#worker.terminate();
  }

  /** `undefined` once the thread has ended. */
  snapshot(withConnections: boolean): Promise<StatsSnapshot | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<StatsSnapshot | undefined>();
    this.#asked.set(id, resolve);
    this.#send({ kind: "snapshot", id, withConnections });
    return promise;
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: FromWorker, task: WorkerTask): void {
    switch (message.kind) {
      case "hello":
        return this.#send({ kind: "serve", task });
      case "serving":
        return this.serving.resolve();
      case "snapshot":
        this.#asked.get(message.id)?.(message.snapshot);
        this.#asked.delete(message.id);
        return;
      case "ended":
        return this.#end();
      case "failed":
        return this.#end(new WorkerError(message.failure));
    }
  }

  #end(error?: Error): void {
    this.#isEnded = true;
    for (const resolve of this.#asked.values()) resolve(undefined);
    this.#asked.clear();
    if (error === undefined) return this.ended.resolve();
    this.serving.reject(error);
    this.ended.reject(error);
  }
}

/** The worker threads, which share the ports with the main thread. */
export class WorkerPool implements Disposable {
  readonly #workers: readonly WorkerHandle[];
  readonly #failed = new AbortController();

  private constructor(workers: readonly WorkerHandle[]) {
    this.#workers = workers;
    for (const worker of workers) worker.ended.promise.catch((error: unknown) => this.#failed.abort(error));
  }

  /**
   * Starts the workers; resolves once all accept connections.
   *
   * @param start Starts a thread; tests pass another.
   * @throws {PermissionError} When run from sources, a worker needs permission to read them.
   */
  static async start(
    task: Omit<WorkerTask, "index">,
    start: () => Promise<Worker> = startWorker,
  ): Promise<WorkerPool> {
    const workers: WorkerHandle[] = [];
    const pool = () => new WorkerPool(workers);
    try {
      for (let index = 1; index < task.count; index++) {
        workers.push(new WorkerHandle(await start(), { ...task, index }));
      }
      await Promise.all(workers.map(({ serving }) => serving.promise));
      return pool();
    } catch (error) {
      pool()[Symbol.dispose]();
      throw error;
    }
  }

  /** Aborts with the error of a failed worker. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Drains all workers. */
  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }

  /** Settles when all have drained. */
  async ended(): Promise<void> {
    await Promise.all(this.#workers.map(({ ended }) => ended.promise));
  }

  /** Statistics of the main thread and the workers combined. */
  seenWith(own: StatsSource): StatsSource {
    return {
      snapshot: async (withConnections) => {
        const theirs = await Promise.all(this.#workers.map((worker) => worker.snapshot(withConnections)));
        const all = [await own.snapshot(withConnections), ...theirs];
        return mergeSnapshots(all.filter((one) => one !== undefined));
      },
    };
  }

  /** Terminates the workers. */
  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}
