/**
 * The bundler puts every `import ... from "node:x"` of a module that is loaded
 * late at the top of the file, where it costs each start the loading of
 * `node:tls`, `node:crypto`, `node:sqlite` and the rest. Here names that are
 * imported are assigned at the start of their own module, and a module that is
 * imported whole is loaded at the first use of a property.
 *
 * @module
 */

const IMPORT = /^import (.+) from "(node:[^"]+)";$/;
const MODULE = /^\/\/ (\S+)$/;
const LATE_START = /^ {2}"([^"]+)"\(\) \{$/;

/** The text of a bundle, not minified, with each built-in module loaded by the module that uses it. */
export function loadBuiltinsLate(bundle: string): string {
  const lines = bundle.split("\n");
  const lateModules = new Set(lines.map((line) => LATE_START.exec(line)?.[1]));
  const waiting = new Map<string, string[]>();
  let module = "";
  const output = lines.flatMap((line) => {
    module = MODULE.exec(line)?.[1] ?? module;
    const [, clause, id] = IMPORT.exec(line) ?? [];
    if (clause !== undefined && id !== undefined) {
      const found = `process.getBuiltinModule("${id}")`;
      // The default export of a built-in module is the module.
      const whole = /^(?:\* as )?([\w$]+)$/.exec(clause)?.[1];
      if (whole !== undefined) return [`var ${whole} = new Proxy({}, { get: (_, name) => ${found}[name] });`];
      const { names, pattern } = bindingsOf(clause);
      const load = `${pattern} = ${found}`;
      if (!lateModules.has(module)) return [`var ${load};`];
      waiting.set(module, [...waiting.get(module) ?? [], `(${load});`]);
      return [`var ${names.join(", ")};`];
    }
    const started = LATE_START.exec(line)?.[1] ?? "";
    const loads = waiting.get(started) ?? [];
    waiting.delete(started);
    return [line, ...loads];
  });
  if (waiting.size > 0) throw new Error(`the bundle never starts ${[...waiting.keys()].join(", ")}`);
  return output.join("\n");
}

/** The names that an import's clause binds, and the same clause as the left side of an assignment. */
function bindingsOf(clause: string): { names: string[]; pattern: string } {
  const named = /^\{ (.+) \}$/.exec(clause)?.[1];
  if (named === undefined) throw new Error(`the bundle imports by "${clause}", which is not known here`);
  const pairs = named.split(", ").map((pair) => pair.split(" as "));
  return {
    names: pairs.map(([name = "", local = name]) => local),
    pattern: `{ ${pairs.map(([name, local = name]) => `${name}: ${local}`).join(", ")} }`,
  };
}
