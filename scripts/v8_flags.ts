/**
 * How our programs run V8.
 *
 * New objects get 2 MiB instead of up to 32: what a message allocates is dead with the next, so the space stays in the
 * processor's cache, and a collection is short.
 *
 * Without allocation-site pretenuring: a burst of connections would teach V8 that what the runtime allocates for a
 * pending read lives long. From then on it would be put among the old objects with every read, and keep its promise and
 * functions alive until a full collection.
 *
 * `deno task bench` has the figures.
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=2,--no-allocation-site-pretenuring";
