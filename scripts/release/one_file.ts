/**
 * Joins the chunks of a program. Each becomes an async function that runs when it is first imported, so that a start
 * compiles and runs only what its command uses, and loads `node:` modules only then.
 *
 * @module
 */

const IMPORT = /^import (?:([^"]+) from )?"([^"]+)";\n/gm;
const DYNAMIC_IMPORT = /\bimport\("([^"]+)"\)/g;
const EXPORT = /^export \{([^{}]*)\};$/m;
const DEFAULT_EXPORT = /^export default (.+);$/m;

/** Names that no chunk uses itself. */
const LOADER = `const $loading = new Map();
const $load = (name) => $loading.get(name) ?? $loading.set(name, $chunks[name]()).get(name);
`;

/** A single module equivalent to the entry; `chunks` are keyed by their import names. */
export function oneFile(chunks: ReadonlyMap<string, string>, entry: string): string {
  const functions = [...chunks].map(([name, text]) =>
    `${JSON.stringify(name)}: async function () {\n${functionBody(text, chunks)}\n}`
  );
  return `const $chunks = {\n${functions.join(",\n")}\n};\n${LOADER}await $load(${JSON.stringify(entry)});\n`;
}

/** The chunks loaded by importing one of the modules; a chunk has the name of its module, followed by a hash. */
export function chunksOfModules(chunks: ReadonlyMap<string, string>, modules: readonly string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    for (const [, , imported = ""] of chunks.get(name)?.matchAll(IMPORT) ?? []) if (chunks.has(imported)) add(imported);
  };
  for (const name of chunks.keys()) if (modules.includes(name.replace(/^\.\/|(?:-[A-Z0-9]{8})?\.js$/g, ""))) add(name);
  return found;
}

/**
 * Marks chunks of a minified file, so that V8 compiles their functions with the file: only those are in the runtime's
 * code cache. The mark is a pair of parentheses, which a minifier removes.
 */
export function compileEarly(file: string, names: ReadonlySet<string>): string {
  let count = 0;
  const marked = file.replaceAll(
    /(?<=[{,])("\.\/[^"]+\.js"):(async function\(\)\{[^]*?\}),(?="\.\/[^"]+\.js":async function\(\)\{)/g,
    (chunk, name: string, text: string) => {
      if (!names.has(JSON.parse(name))) return chunk;
      count++;
      return `${name}:(${text}),`;
    },
  );
  // The last one is not found, because nothing follows it.
  if (count < names.size - 1) throw new Error(`the bundle has ${count} of the ${names.size} chunks to compile early`);
  return marked;
}

function functionBody(text: string, chunks: ReadonlyMap<string, string>): string {
  const imports: string[] = [];
  const body = text.replace(IMPORT, (statement, clause: string | undefined, name: string) => {
    const isChunk = chunks.has(name);
    // A text in the program, such as a manual page, may contain imports.
    if (!isChunk && !name.startsWith("node:")) return statement;
    const loaded = `await ${isChunk ? "$load" : "import"}(${JSON.stringify(name)})`;
    imports.push(clause === undefined ? `${loaded};` : `const ${patternOf(clause)} = ${loaded};`);
    return "";
  }).replace(DYNAMIC_IMPORT, (call, name: string) => chunks.has(name) ? `$load(${JSON.stringify(name)})` : call)
    .replace(DEFAULT_EXPORT, "return { default: $1 };")
    .replace(EXPORT, (_, names: string) => `return { ${bindings(names).map(getter).join(", ")} };`);
  return [...imports, body].join("\n");
}

/** The clause of an import as the left side of a declaration. */
function patternOf(clause: string): string {
  if (clause.startsWith("* as ")) return clause.slice("* as ".length);
  const named = /^\{([^{}]*)\}$/.exec(clause)?.[1];
  if (named === undefined) return `{ default: ${clause} }`;
  return `{ ${bindings(named).map(({ from, to }) => `${from}: ${to}`).join(", ")} }`;
}

function getter({ from, to }: Binding): string {
  return `get ${to}() { return ${from}; }`;
}

interface Binding {
  readonly from: string;
  readonly to: string;
}

/** `a, b as c` */
function bindings(names: string): Binding[] {
  return names.split(",").map((each) => each.trim()).filter((each) => each !== "").map((each) => {
    const [from = "", to = from] = each.split(" as ");
    return { from, to };
  });
}
