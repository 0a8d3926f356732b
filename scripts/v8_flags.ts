/**
 * How our programs run V8: with 2 MiB for new objects instead of up to 32. What a message allocates is dead with the
 * next, so the space stays in the processor's cache, and a collection is short; `deno task bench` has the figures.
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=2";
