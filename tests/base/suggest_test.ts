import { assertEquals } from "@std/assert";
import { suggest } from "../../src/base/suggest.ts";

const FLAGS = ["idle-timeout", "max-lifetime", "print-endpoint", "prefix", "upper", "json", "op"];

Deno.test("suggest() finds the word that was meant", () => {
  const cases: [string, string | undefined][] = [
    ["idle-timeuot", "idle-timeout"],
    ["prefx", "prefix"],
    ["print", "print-endpoint"],
    ["jsn", "json"],
    ["uper", "upper"],
    ["completely-else", undefined],
    ["x", undefined],
    ["me", undefined],
    ["jsno", "json"],
    ["jxox", undefined],
  ];
  for (const [typed, meant] of cases) assertEquals(suggest(typed, FLAGS), meant, typed);
});

Deno.test("suggest() looks at words of 64 characters at most (MAX_TYPED)", () => {
  const word = "x".repeat(65);
  assertEquals([64, 65].map((length) => suggest("x".repeat(length), [word])), [word, undefined]);
});
