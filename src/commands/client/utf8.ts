const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Whether the bytes are UTF-8 text (RFC 3629). */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    // All that a strict decoder throws: they are not.
    return false;
  }
}
