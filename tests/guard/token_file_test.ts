import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "@parley/parley";
import { TokenList } from "../../src/guard/token_file.ts";

const TOKEN = "0123456789abcdef";

Deno.test("TokenList.parse() reads names and tokens, and finds a name by its token alone", async () => {
  const list = await TokenList.parse(`# ours\r\n\nann ${TOKEN}\r\n bob\t${TOKEN}== \n`, "tokens");
  assertEquals(list.size, 2);
  assertEquals(await list.identityOf(TOKEN), { name: "ann", roles: [] });
  assertEquals((await list.identityOf(`${TOKEN}==`))?.name, "bob");
  for (const other of [TOKEN.slice(0, -1), `${TOKEN}=`, "", "ann"]) {
    assertEquals(await list.identityOf(other), undefined);
  }
});

Deno.test("TokenList.parse() names the line that is wrong by its number, and shows no token", async () => {
  const wrong = [TOKEN.slice(1), `${TOKEN} more`, "with:colon:and:more", "=".repeat(20), ""];
  for (const token of wrong) {
    const text = `ann ${TOKEN}\neve ${token}`;
    const error = await assertRejects(
      () => TokenList.parse(text, "tokens"),
      UsageError,
      "Cannot read tokens, line 2: ",
    );
    assertEquals(token !== "" && error.message.includes(token), false);
  }
});

Deno.test("TokenList.replace() takes over another list", async () => {
  const list = await TokenList.parse(`ann ${TOKEN}`, "tokens");
  list.replace(await TokenList.parse(`bob ${TOKEN}`, "tokens"));
  assertEquals((await list.identityOf(TOKEN))?.name, "bob");
});
