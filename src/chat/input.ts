/** What came of a client's message: `"quit"` ends the conversation. */
export type InputResult = void | "quit" | Promise<void | "quit">;
