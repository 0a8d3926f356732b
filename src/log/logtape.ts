/**
 * Sends the library's log lines to LogTape, category `["parley"]`. Only the library's entry points import this module:
 * the programs write their log lines themselves, so that no start has to load LogTape.
 *
 * @module
 */

import { getConfig, getLogger } from "@logtape/logtape";
import { setLibraryTarget } from "./logger.ts";

const tape = getLogger(["parley"]);

setLibraryTarget({
  get isOfApplication() {
    return getConfig() !== null;
  },
  isEnabled: (level) => tape.isEnabledFor(level),
  // A tagged template, so that braces in the text are not taken for placeholders.
  write: ({ level, text, fields }) => tape.with({ ...fields })[level]`${text}`,
});
