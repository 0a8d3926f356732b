import { defineFault } from "./fault.ts";

/** Lets nobody in. */
export const refuse = defineFault({
  name: "refuse",
  summary: "reset the client as it connects",
  attributes: {},
  accept: () => Promise.resolve(false),
});
