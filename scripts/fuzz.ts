/**
 * `deno task fuzz --seconds 60`: sends mutated input to everything that parses untrusted data. An internal error, or an
 * input that takes too long, fails; it is kept in tests/fuzz/, and from then on tried first, also by the tests.
 *
 * @module
 */

import { seededRandom } from "../src/base/random.ts";
import { mutateBytes } from "./fuzz/mutate_bytes.ts";
import { type FuzzTarget, TARGETS } from "./fuzz/targets.ts";
import { taskFlags } from "./task_flags.ts";

const KEPT = new URL("../tests/fuzz/", import.meta.url);
/** No input takes longer unless the machine stalls. */
const HANG_MS = 10_000;

/** Runs a target on one input; returns the failure, if any. */
export async function failureOf(target: FuzzTarget, bytes: Uint8Array): Promise<string | undefined> {
  const hang = Promise.withResolvers<string>();
  const timer = setTimeout(() => hang.resolve(`it took longer than ${HANG_MS} ms`), HANG_MS);
  const reading = target.read(bytes).then(
    () => undefined,
    (error: unknown) => error instanceof Error ? error.stack ?? error.message : String(error),
  );
  const failure = await Promise.race([reading, hang.promise]);
  clearTimeout(timer);
  return failure;
}

/** Inputs on which a target has failed before. */
export async function keptInputs({ name }: FuzzTarget): Promise<Uint8Array[]> {
  const inputs: Uint8Array[] = [];
  try {
    for await (const entry of Deno.readDir(new URL(`${name}/`, KEPT))) {
      inputs.push(await Deno.readFile(new URL(`${name}/${entry.name}`, KEPT)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return inputs;
}

async function keep({ name }: FuzzTarget, bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex().slice(0, 12);
  const path = `${name}/${digest}`;
  await Deno.mkdir(new URL(`${name}/`, KEPT), { recursive: true });
  await Deno.writeFile(new URL(path, KEPT), bytes);
  return `tests/fuzz/${path}`;
}

if (import.meta.main) {
  const flags = taskFlags({
    task: "fuzz",
    summary: "send changed input to everything that reads from strangers",
    flags: {
      seconds: { type: "integer", default: 60, help: "how long, for all targets together" },
      seed: { type: "integer", default: 1, help: "send the same input again" },
      only: { type: "text", placeholder: "TARGET", help: `one of ${TARGETS.map(({ name }) => name).join(", ")}` },
    },
  });
  const targets = TARGETS.filter(({ name }) => flags.only === undefined || flags.only === name);
  const random = seededRandom(flags.seed);
  let failures = 0;
  for (const target of targets) {
    const inputs = [...target.seeds, ...await keptInputs(target)];
    const endMs = performance.now() + flags.seconds * 1_000 / targets.length;
    let count = 0;
    let found = 0;
    while ((performance.now() < endMs || count < inputs.length) && found < 5) {
      const pick = () => inputs[Math.floor(random() * inputs.length)] ?? new Uint8Array(0);
      const bytes = inputs[count] ?? mutateBytes(pick(), pick(), random);
      count++;
      const failure = await failureOf(target, bytes);
      if (failure === undefined) continue;
      found++;
      console.error(`FAIL  ${target.name}: ${await keep(target, bytes)}\n${failure}`);
    }
    failures += found;
    console.log(`${found === 0 ? "ok  " : "FAIL"}  ${target.name.padEnd(16)}  ${count} inputs`);
  }
  Deno.exit(failures === 0 ? 0 : 1);
}
