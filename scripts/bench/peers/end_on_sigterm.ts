// Loaded before a program that is profiled: V8 writes the profile only if the program ends by itself.
Deno.addSignalListener("SIGTERM", () => Deno.exit());
