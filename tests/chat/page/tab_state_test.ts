import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ChatStore } from "../../../src/chat/page/store.js";
import { newId, TabState } from "../../../src/chat/page/tab_state.js";

/** A page that has just been loaded in this tab. */
function loadPage() {
  const box = { text: "" };
  const store: ChatStore = new ChatStore({
    changed() {},
    notice() {},
    switched: (before) => tab.showDraft(before),
    retry() {},
    refused: () => false,
  });
  const tab = new TabState(store, box);
  return { box, store, tab };
}

Deno.test("TabState restores a draft for its author, also after a reload before the login (fault 2)", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore("ada");
  before.store.open(before.store.conversation("#dev"));
  before.box.text = "half a";
  before.tab.save("ada");
  loadPage().tab.save();
  const after = loadPage();
  after.tab.restore("ada");
  assertEquals([after.store.current?.name, after.box.text], ["#dev", "half a"]);
});

Deno.test("TabState restores nothing for another user who logs in", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore("ada");
  before.store.open(before.store.conversation("#dev"));
  before.box.text = "half a";
  before.tab.save("ada");
  for (const owner of ["eve", "ada"]) {
    const after = loadPage();
    after.tab.restore(owner);
    assertEquals([after.store.current, after.box.text], [undefined, ""]);
  }
});

Deno.test("TabState keeps text that was typed before the draft was restored", () => {
  sessionStorage.clear();
  const before = loadPage();
  before.tab.restore();
  before.store.open(before.store.conversation("#dev"));
  before.box.text = "half a";
  before.tab.save();
  const after = loadPage();
  after.box.text = "typed at once";
  after.tab.restore();
  assertEquals(after.box.text, "half a\ntyped at once");
});

Deno.test("TabState has one claim for the tab, and newId() is never the same (chat H3)", () => {
  sessionStorage.clear();
  const { claim } = loadPage().tab;
  assert(/^[0-9a-f]{32}$/.test(claim));
  assertEquals(loadPage().tab.claim, claim);
  assertNotEquals(newId(), newId());
});
