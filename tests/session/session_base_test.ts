import { assertEquals } from "@std/assert";
import { dial } from "@parley/parley";
import { serve } from "@parley/parley/server";

for (const endpoint of ["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"]) {
  Deno.test(`a loop over ${new URL(endpoint).protocol} messages that is left early loses none`, async () => {
    await using server = await serve(endpoint, (session) => {
      for (const text of ["one", "two", "three", "four"]) session.send(text);
    });
    await using client = await dial(server.endpoint);
    const texts: string[] = [];
    for (let loop = 0; loop < 2; loop++) {
      for await (const message of client) {
        texts.push(message.text());
        break;
      }
    }
    const rest = await client.receive({ timeout: "5s" });
    texts.push(...rest?.map(({ data }) => new TextDecoder().decode(data)) ?? []);
    assertEquals(texts, ["one", "two", "three", "four"]);
  });
}
