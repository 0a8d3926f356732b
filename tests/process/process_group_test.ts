import { assertEquals, assertThrows } from "@std/assert";
import { PermissionError } from "../../src/base/errors.ts";
import { ProcessGroup } from "../../src/process/process_group.ts";

const output = { onOutput: () => {}, onErrorOutput: () => {} };

Deno.test({
  name: "ProcessGroup stops its command with the permission for that command alone, SIGTERM first",
  permissions: { run: ["sleep"] },
  ignore: Deno.build.os === "windows",
  async fn() {
    const group = new ProcessGroup(["sleep", "60"], output);
    await group.stop(10_000);
    assertEquals((await group.ended).signal, "SIGTERM");
    await group.outputEnded;
    assertThrows(
      () => new ProcessGroup(["sh"], output),
      PermissionError,
      'Cannot run "sh": run again with --allow-run=sh',
    );
  },
});
