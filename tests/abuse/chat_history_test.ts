import { killUnderLoad } from "../support/chat_history.ts";

Deno.test("--history: twenty times kill -9 under load, no acknowledged message is missing or doubled", () =>
  killUnderLoad(20));
