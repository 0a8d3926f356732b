// deno_load.ts HOST PORT CONNS SIZE DEPTH SECONDS: echo_load in bare Deno, without Parley: what the runtime itself
// achieves. Nothing is verified but the number of bytes.
const [hostname = "", ...numbers] = Deno.args;
const [port = 0, connections = 0, size = 0, depth = 0, seconds = 0] = numbers.map(Number);
const batch = new Uint8Array(size * depth).fill("x".charCodeAt(0));
/** Round trips by their duration in microseconds. */
const counts = new Float64Array(1_000_000);
let exchanges = 0;

const conns = await Promise.all(Array.from({ length: connections }, () => Deno.connect({ hostname, port })));
const startMs = performance.now();
const endMs = startMs + seconds * 1_000;
await Promise.all(conns.map(load));
const rate = exchanges * depth / (performance.now() - startMs) * 1_000;
console.log(`${Math.round(rate)} msg/s  p50=${percentile(0.5)}us p99=${percentile(0.99)}us`);

async function load(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(256 * 1024);
  for (let sentMs = performance.now(); sentMs < endMs;) {
    for (let rest = batch; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    for (let due = batch.length; due > 0;) due -= await conn.read(buffer) ?? NaN;
    const nowMs = performance.now();
    const us = Math.min(Math.round((nowMs - sentMs) * 1_000), counts.length - 1);
    counts[us] = (counts[us] ?? 0) + 1;
    exchanges++;
    sentMs = nowMs;
  }
  conn.close();
}

function percentile(part: number): number {
  let left = exchanges * part;
  return counts.findIndex((count) => (left -= count) <= 0);
}
