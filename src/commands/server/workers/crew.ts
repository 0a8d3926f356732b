import { ParleyError } from "../../../base/errors.ts";
import { WorkerError } from "../../../cli/exit_codes.ts";
import { mergeSnapshots, type StatsSnapshot, type StatsSource } from "../../../server/stats_snapshot.ts";
import { startOwnWorker } from "../../own_worker.ts";
import type { FromWorker, ToWorker, WorkerTask } from "./messages.ts";
import { SERVER_WORKER } from "./worker_name.ts";

/** One thread beside the program's own. */
class Mate {
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
    // Whoever waits hears of it; who does not wait need not.
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

/** The threads that serve beside the program's own, on the same ports. */
export class WorkerCrew implements Disposable {
  readonly #mates: readonly Mate[];
  readonly #failed = new AbortController();

  private constructor(mates: readonly Mate[]) {
    this.#mates = mates;
    for (const mate of mates) mate.ended.promise.catch((error: unknown) => this.#failed.abort(error));
  }

  /**
   * Starts them; it returns once all accept connections.
   *
   * @throws {PermissionError} From the sources a worker needs permission to read them.
   */
  static async start(task: Omit<WorkerTask, "index">): Promise<WorkerCrew> {
    const mates: Mate[] = [];
    const crew = () => new WorkerCrew(mates);
    try {
      for (let index = 1; index < task.count; index++) {
        mates.push(new Mate(await startOwnWorker(SERVER_WORKER), { ...task, index }));
      }
      await Promise.all(mates.map(({ serving }) => serving.promise));
      return crew();
    } catch (error) {
      crew()[Symbol.dispose]();
      throw error;
    }
  }

  /** Aborts with the error of a thread that failed. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Tells all to drain. */
  stop(): void {
    for (const mate of this.#mates) mate.stop();
  }

  /** Settles when all have drained. */
  async ended(): Promise<void> {
    await Promise.all(this.#mates.map(({ ended }) => ended.promise));
  }

  /** The program's own server and these, seen as one. */
  seenWith(own: StatsSource): StatsSource {
    return {
      snapshot: async (withConnections) => {
        const theirs = await Promise.all(this.#mates.map((mate) => mate.snapshot(withConnections)));
        const all = [await own.snapshot(withConnections), ...theirs];
        return mergeSnapshots(all.filter((one) => one !== undefined));
      },
    };
  }

  /** Ends the threads. */
  [Symbol.dispose](): void {
    for (const mate of this.#mates) mate.terminate();
  }
}
