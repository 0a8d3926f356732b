import { serveInARow } from "../support/exec_server.ts";

Deno.test("exec leaves no process and no descriptor after 1,000 clients in a row", () => serveInARow(1_000));
