/** One handwritten file of `src/`: TypeScript, or a browser's script or style sheet. */
export interface SourceFile {
  /** Relative to `src/`, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments, to which the rules apply. */
  readonly code: string;
}

const SOURCE = new URL("../src/", import.meta.url);

/** Every script and style sheet of `src/`, by path; declarations for packages without types are left out. */
export async function sourceFiles(): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  await collect("", files);
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function collect(folder: string, files: SourceFile[]): Promise<void> {
  for await (const entry of Deno.readDir(new URL(folder, SOURCE))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) await collect(`${path}/`, files);
    else if (/\.(?:ts|js|css)$/.test(path) && !path.endsWith(".d.ts")) {
      const text = await Deno.readTextFile(new URL(path, SOURCE));
      files.push({ path, text, code: withoutComments(text) });
    }
  }
}

/** Sufficient for formatted code: a comment starts a line, or follows code after two slashes and a space. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/(?:^|\s)\/\/ .*$/gm, "");
}
