/** Path of a file next to these scripts. */
export function sourcePath(relative: string): string {
  return decodeURIComponent(new URL(relative, import.meta.url).pathname);
}
