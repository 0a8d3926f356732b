/**
 * Records the README's terminal session: runs the programs, and draws their output as an animated SVG in
 * `.github/images/`.
 *
 * `deno task session`; requires bash and nc, and the ports 8888 and 5000.
 *
 * @module
 */

import { Stage } from "../tests/support/transcript.ts";
import { layOut } from "./session/layout.ts";
import { recordScenes, type Scene } from "./session/record.ts";
import { sessionSvg } from "./session/svg.ts";

const FILE = new URL("../.github/images/session.svg", import.meta.url);
const COLUMNS = 104;

const SCENES: readonly Scene[] = [
  { command: "parley-server echo :8888 --framing line --prefix '[echo #{id}] ' &", until: /listening on/ },
  { command: "parley-client check --wait 10s :8888" },
  { command: `printf 'hello\\nworld\\n' | nc -N 127.0.0.1 8888` },
  {
    command:
      `parley-client send :8888 'order 42\\n' --expect-regex '(\\d+)\\n' --then 'ship {1}\\n' --expect 'ship 42'`,
  },
  { command: `parley-client send :8888 'status 404\\n' --expect 'status 200' --timeout 1s; echo "exit $?"` },
  { command: `parley-client check :8889; echo "exit $?"` },
  { command: "parley-udp serve upper :5000 &", until: /bound to/ },
  { command: "parley-udp send :5000 'ping {seq}' --count 3" },
  { command: "kill %1", until: /ended accepted/ },
];

if (import.meta.main) {
  await using stage = await Stage.create();
  const recorded = await recordScenes(SCENES, { cwd: stage.folder, bin: `${stage.folder}/bin` });
  const rows = layOut(recorded, { columns: COLUMNS, keyMs: 22, pauseMs: 900 });
  await Deno.writeTextFile(
    FILE,
    sessionSvg(rows, COLUMNS, "A terminal session with parley-server, parley-client and parley-udp"),
  );
  for (const { text } of rows) console.log(text);
}
