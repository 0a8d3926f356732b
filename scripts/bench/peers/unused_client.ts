// What the runtime itself spends on the modules of a program: it loads all that may be imported, before anything runs.
if (Deno.args.includes("never")) await import("../../../src/client.ts");
