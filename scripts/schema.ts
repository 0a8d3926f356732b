/**
 * Writes the JSON schemas of script files, for editors.
 *
 * @module
 */

import { smokeJsonSchema } from "../src/commands/client/smoke/schema.ts";
import { stackJsonSchema } from "../src/commands/server/stack/schema.ts";
import { mockJsonSchema } from "../src/script/mock/mock_file.ts";

const SOURCE = new URL("../src/", import.meta.url);

if (import.meta.main) {
  await Deno.writeTextFile(new URL("commands/client/smoke/smoke.schema.json", SOURCE), smokeJsonSchema());
  await Deno.writeTextFile(new URL("script/mock/mock.schema.json", SOURCE), mockJsonSchema());
  await Deno.writeTextFile(new URL("commands/server/stack/stack.schema.json", SOURCE), await stackJsonSchema());
}
