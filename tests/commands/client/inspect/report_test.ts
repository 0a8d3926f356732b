import { assertEquals } from "@std/assert";
import { type Inspection, inspectionObject, inspectionText } from "../../../../src/commands/client/inspect/report.ts";
import { parseEndpoint } from "../../../../src/net/endpoint.ts";

const DAY_MS = 86_400_000;

/** All that can be found; the days that are left do not change while the test runs. */
function fullInspection(): Inspection {
  const certificate = {
    subject: "db",
    issuer: "ca",
    names: ["db.internal", "127.0.0.1"],
    validFrom: new Date(0),
    validTo: new Date(Date.now() + 10.5 * DAY_MS),
  };
  const before = {
    receiveBuffer: 131_072,
    keepAlive: false,
    noDelay: false,
    userTimeout: undefined,
    congestion: "cubic",
  };
  return {
    endpoint: "tls://db.internal:5433",
    addresses: [{ address: "2001:db8::1", family: 6 }, { address: "192.0.2.1", family: 4 }],
    failed: [{ address: "[2001:db8::1]:5433", reason: "connection refused" }],
    local: parseEndpoint("tcp://192.0.2.9:40000"),
    remote: parseEndpoint("tcp://192.0.2.1:5433"),
    options: {
      before,
      wanted: { receiveBuffer: 65_536 },
      now: { ...before, receiveBuffer: 65_536, keepAlive: { idle: 60, interval: 10, count: 5 }, noDelay: true },
    },
    tcp: { roundTripUs: 250, roundTripVarianceUs: 20, sendSegmentBytes: 1_448, retransmits: 3 },
    tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: "h2", chain: [certificate] },
  } as unknown as Inspection;
}

Deno.test("inspectionText() shows every fact in a row of its own", () => {
  assertEquals(inspectionText(fullInspection()).split("\n"), [
    "endpoint        tls://db.internal:5433",
    "address         2001:db8::1 (IPv6)",
    "address         192.0.2.1 (IPv4)",
    "no answer       [2001:db8::1]:5433: connection refused",
    "local           tcp://192.0.2.9:40000",
    "remote          tcp://192.0.2.1:5433 (IPv4)",
    "round trip      250 us, variance 20 us",
    "segment         1448 bytes, 3 retransmitted",
    "TLS             TLSv1.3, TLS_AES_128_GCM_SHA256, h2",
    "certificate     db, for db.internal, 127.0.0.1",
    "valid           10 days left",
    "receive buffer  65536 (was 131072)",
    "keep alive      60s,10s,5 (was off)",
    "no delay        on (was off)",
    "congestion      cubic",
    "",
  ]);
});

Deno.test("inspectionText() omits unavailable facts, and reports why", () => {
  const { tls } = fullInspection();
  const bare = { ...fullInspection(), failed: [], options: undefined, tcp: undefined };
  const remote = parseEndpoint("tcp://[2001:db8::1]:5433");
  const chain = tls?.chain.map((certificate) => ({ ...certificate, names: [] })) ?? [];
  const unnamed = { ...bare, remote, tls: tls && { ...tls, alpn: undefined, chain } };
  assertEquals(inspectionText(unnamed).split("\n").slice(3), [
    "local           tcp://192.0.2.9:40000",
    "remote          tcp://[2001:db8::1]:5433 (IPv6)",
    "TLS             TLSv1.3, TLS_AES_128_GCM_SHA256",
    "certificate     db, for no name",
    "valid           10 days left",
    "socket options  unavailable (run again with --allow-ffi)",
    "",
  ]);
  const unix = { ...bare, addresses: [], remote: parseEndpoint("unix:/run/a.sock"), tls: undefined };
  assertEquals(inspectionText(unix).split("\n").slice(1), [
    "local           tcp://192.0.2.9:40000",
    "remote          unix:/run/a.sock",
    "socket options  unavailable (run again with --allow-ffi)",
    "",
  ]);
});

Deno.test("inspectionObject() has the same for programs", () => {
  const inspection = fullInspection();
  const { options, tls, tcp, addresses, failed, endpoint } = inspection;
  const [certificate] = tls?.chain ?? [];
  assertEquals(inspectionObject(inspection), {
    ok: true,
    endpoint,
    addresses,
    failed,
    tcp,
    local: "tcp://192.0.2.9:40000",
    remote: "tcp://192.0.2.1:5433",
    options: { default: options?.before, asked: { receiveBuffer: 65_536 }, set: options?.now },
    tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: "h2", certificate },
  });
  assertEquals(inspectionObject({ ...inspection, options: undefined, tls: undefined }), {
    ok: true,
    endpoint,
    addresses,
    failed,
    tcp,
    local: "tcp://192.0.2.9:40000",
    remote: "tcp://192.0.2.1:5433",
    options: undefined,
    tls: undefined,
  });
});
