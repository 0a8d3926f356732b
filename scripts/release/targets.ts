/** Platforms of a release, by the compiler's names. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** One of {@linkcode TARGETS}. */
export type Target = typeof TARGETS[number];

/** The targets that `--target` names; this machine's by default. */
export function targetsOf(given: readonly string[]): readonly Target[] {
  const named = given.length === 0 ? [Deno.build.target] : given.includes("all") ? TARGETS : given;
  return named.map((name) => {
    const target = TARGETS.find((known) => known === name);
    if (target === undefined) throw new Error(`unknown target "${name}"; it is one of all, ${TARGETS.join(", ")}`);
    return target;
  });
}

/** File name of a program on the target. */
export function fileName(program: string, target: Target): string {
  return `parley-${program}${target.includes("windows") ? ".exe" : ""}`;
}
