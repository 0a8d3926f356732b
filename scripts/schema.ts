/**
 * Writes the JSON schema of smoke files, for editors.
 *
 * @module
 */

import { smokeJsonSchema } from "../src/commands/client/smoke/schema.ts";

const FILE = new URL("../src/commands/client/smoke/smoke.schema.json", import.meta.url);

if (import.meta.main) await Deno.writeTextFile(FILE, smokeJsonSchema());
