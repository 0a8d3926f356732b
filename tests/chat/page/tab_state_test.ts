import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ChatStore } from "../../../src/chat/page/store.js";
import { newId, TabState } from "../../../src/chat/page/tab_state.js";

/** A page that has just been loaded in this tab. */
function loadPage() {
  const store = new ChatStore();
  return { store, tab: new TabState(store) };
}

Deno.test("TabState restores a draft for its author, also after a reload before the login (fault 2)", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore("ada");
  before.store.open(before.store.conversation("#dev"));
  before.store.draft = "half a";
  before.tab.save("ada");
  loadPage().tab.save();
  const after = loadPage();
  after.tab.restore("ada");
  assertEquals([after.store.current?.name, after.store.draft], ["#dev", "half a"]);
});

Deno.test("TabState restores nothing for another user who logs in", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore("ada");
  before.store.open(before.store.conversation("#dev"));
  before.store.draft = "half a";
  before.tab.save("ada");
  for (const owner of ["eve", "ada"]) {
    const after = loadPage();
    after.tab.restore(owner);
    assertEquals([after.store.current, after.store.draft], [undefined, ""]);
  }
});

Deno.test("TabState keeps text that was typed before the draft was restored", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore();
  before.store.open(before.store.conversation("#dev"));
  before.store.draft = "half a";
  before.tab.save();
  const after = loadPage();
  after.store.draft = "typed at once";
  after.tab.restore();
  assertEquals(after.store.draft, "half a\ntyped at once");
});

Deno.test("TabState has one claim for the tab, and newId() is never the same (chat H3)", () => {
  sessionStorage.clear();
  const { claim } = loadPage().tab;
  assert(/^[0-9a-f]{32}$/.test(claim));
  assertEquals(loadPage().tab.claim, claim);
  assertNotEquals(newId(), newId());
});
