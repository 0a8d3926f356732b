// The runtime's own cost of a program's modules: it loads all possible imports before anything runs.
if (Deno.args.includes("never")) await import("../../../src/client.ts");
