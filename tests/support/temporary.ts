/** A folder that is removed when it is disposed of. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Gives `use` a folder while it runs. */
export async function withFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  await using folder = await temporaryFolder();
  return await use(folder.path);
}

/** Gives `use` a file with that content while it runs. */
export async function withFile<T>(content: string | Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  return await withFolder(async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await use(path);
  });
}
