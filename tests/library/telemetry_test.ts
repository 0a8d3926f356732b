import { assertEquals } from "@std/assert";
import { bind } from "@parley/parley";

Deno.test("library program 5: a UDP telemetry collector", async () => {
  await using collector = await bind("udp://127.0.0.1:0", { context: "telemetry", maxBytes: 512 });
  await using sensor = await bind("udp://127.0.0.1:0");
  for (const value of ["temp 20", "temp 22", "load 1"]) await sensor.send(value, collector.endpoint);
  const sums = new Map<string, number>();
  let count = 0;
  for await (const { data, from } of collector) {
    const [name = "", value] = new TextDecoder().decode(data).split(" ");
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
    if (from !== null) await collector.send(`ok ${name}`, from);
    if (++count === 3) break;
  }
  assertEquals(Object.fromEntries(sums), { temp: 42, load: 1 });
  const reply = await sensor.receive({ timeout: 5_000 });
  assertEquals(new TextDecoder().decode(reply?.data), "ok temp");
});
