/**
 * A load in another thread: this module is both what starts the worker and
 * what runs in it.
 *
 * @module
 */

import { messageOf, ParleyError, PermissionError, UsageError } from "../../../base/errors.ts";
import { decodeHistogram, encodeHistogram } from "./histogram.ts";
import type { LoadPlan } from "./load_plan.ts";
import { type LoadEnd, runLoad, type RunLoadOptions } from "./run_load.ts";

const WORKER_NAME = "parley-load";

type ToWorker =
  | { readonly kind: "plan"; readonly plan: LoadPlan }
  | { readonly kind: "go" }
  | { readonly kind: "finish" };

type FromWorker =
  | { readonly kind: "ready" }
  | {
    readonly kind: "sample";
    readonly sent: number;
    readonly answered: number;
    readonly lost: number;
    readonly latency: string;
    readonly service: string;
  }
  | { readonly kind: "end"; readonly end: LoadEnd }
  | { readonly kind: "failed"; readonly message: string };

/** Runs a load as {@linkcode runLoad} does, in a thread of its own. */
export async function runLoadInWorker(plan: LoadPlan, options: RunLoadOptions): Promise<LoadEnd> {
  if (!import.meta.url.endsWith("/load_worker.ts")) {
    throw new UsageError("--workers works from the sources and in the executables, not in a bundle");
  }
  await mustBeReadable(import.meta.url);
  const worker = new Worker(import.meta.url, { type: "module", name: WORKER_NAME });
  const send = (message: ToWorker) => worker.postMessage(message);
  const onAbort = () => send({ kind: "finish" });
  options.signal.addEventListener("abort", onAbort, { once: true });
  const end = Promise.withResolvers<LoadEnd>();
  worker.onerror = (event) => {
    event.preventDefault();
    end.reject(new ParleyError(`A load worker failed: ${event.message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    switch (data.kind) {
      case "ready":
        options.onReady().then(() => send({ kind: "go" }), end.reject);
        break;
      case "sample":
        options.onSample({
          ...data,
          latency: decodeHistogram(data.latency),
          service: decodeHistogram(data.service),
        });
        break;
      case "end":
        end.resolve(data.end);
        break;
      case "failed":
        end.reject(new ParleyError(data.message));
    }
  };
  send({ kind: "plan", plan });
  try {
    return await end.promise;
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    worker.terminate();
  }
}

/** Asked before, since the runtime itself prints what a worker fails with. */
async function mustBeReadable(module: string): Promise<void> {
  if (Deno.build.standalone || !module.startsWith("file:")) return;
  const { state } = await Deno.permissions.query({ name: "read", path: new URL(module) });
  if (state === "granted") return;
  const path = decodeURIComponent(new URL(module).pathname);
  throw new PermissionError(`Cannot start a load worker: the permission --allow-read=${path} is missing`);
}

/** The worker's side. */
function serve(scope: { postMessage(message: FromWorker): void; onmessage: unknown }): void {
  const go = Promise.withResolvers<void>();
  const finish = new AbortController();
  scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === "go") go.resolve();
    else if (data.kind === "finish") finish.abort();
    else {
      runLoad(data.plan, {
        signal: finish.signal,
        onReady() {
          scope.postMessage({ kind: "ready" });
          return go.promise;
        },
        onSample({ latency, service, ...counts }) {
          scope.postMessage({
            kind: "sample",
            ...counts,
            latency: encodeHistogram(latency),
            service: encodeHistogram(service),
          });
        },
      }).then(
        (end) => scope.postMessage({ kind: "end", end }),
        (error) => scope.postMessage({ kind: "failed", message: messageOf(error) }),
      );
    }
  };
}

const scope = globalThis as unknown as { name?: string; postMessage(message: FromWorker): void; onmessage: unknown };
if (scope.name === WORKER_NAME) serve(scope);
