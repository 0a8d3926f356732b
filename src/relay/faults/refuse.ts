import { defineFault } from "./fault.ts";

/** Rejects clients. */
export const refuse = defineFault({
  name: "refuse",
  summary: "reset the client as it connects",
  attributes: {},
  accept: () => Promise.resolve(false),
});
