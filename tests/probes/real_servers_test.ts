/**
 * Debian's servers under the probes: never ready before the server's own client
 * says so, and soon after it.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createDirectDialer } from "../../src/net/direct_dialer.ts";
import { delay } from "../../src/net/wait.ts";
import { NotReadyError } from "../../src/probe/probe.ts";
import { TestAuthority } from "../support/certificates.ts";
import { closedPort } from "../support/ports.ts";
import { RealServer } from "../support/real_server.ts";
import {
  DNSMASQ,
  LOGIN,
  MARIADB,
  MEMCACHED,
  MOSQUITTO,
  NATS,
  NGINX,
  nginxConfig,
  OPENSSH,
  POSTGRES,
  RABBITMQ,
  REDIS,
  type ServerKind,
  SLAPD,
} from "../support/real_servers.ts";
import { runProbe } from "../support/run_probe.ts";
import { toolTest } from "../support/tools.ts";

const POLL_MS = 10;
/** How much later than the server's own client a probe may report ready. */
const MAX_LATE_MS = 300;
const MAX_START_MS = 60_000;

/** Starts of each server; a broker that takes seconds to boot is started fewer times by `.ci/run`. */
const STARTS = Number(Deno.env.get("PARLEY_PROBE_STARTS") ?? 5);

async function started(kind: ServerKind): Promise<{ server: RealServer; port: number; endpoint: string }> {
  const server = await RealServer.create();
  const port = closedPort();
  await kind.prepare?.(server, port);
  kind.start(server, port);
  return { server, port, endpoint: kind.endpoint(port) };
}

/** Probes until it is ready; the reasons seen before. */
async function untilReady(endpoint: string): Promise<{ atMs: number; notReady: string[] }> {
  const notReady: string[] = [];
  const endMs = performance.now() + MAX_START_MS;
  for (;;) {
    try {
      await runProbe(endpoint);
      return { atMs: performance.now(), notReady };
    } catch (error) {
      if (performance.now() > endMs) throw error;
      if (error instanceof NotReadyError) notReady.push(error.message);
      await delay(POLL_MS);
    }
  }
}

async function untilOwnClient(kind: ServerKind, server: RealServer, port: number): Promise<number> {
  for (;;) {
    if (await kind.ownClient?.(server, port)) return performance.now();
    await delay(POLL_MS);
  }
}

/** One start, with both clients looking. */
async function raceStart(kind: ServerKind, server: RealServer, port: number): Promise<string[]> {
  const own = untilOwnClient(kind, server, port);
  const { atMs, notReady } = await untilReady(kind.endpoint(port));
  assert(await kind.ownClient?.(server, port), `${kind.name}: ready before its own client`);
  const lateMs = atMs - await own;
  assert(lateMs <= MAX_LATE_MS, `${kind.name}: ready ${Math.round(lateMs)} ms after its own client`);
  return notReady;
}

for (const kind of [MARIADB, RABBITMQ, MOSQUITTO, OPENSSH, SLAPD, NGINX]) {
  toolTest(kind.tools[0] ?? "", `${kind.name}: ready when its own client says so, ${STARTS} starts`, async () => {
    await using server = await RealServer.create();
    const port = closedPort();
    await kind.prepare?.(server, port);
    for (let start = 0; start < STARTS; start++) {
      kind.start(server, port);
      await raceStart(kind, server, port);
      await server.stop();
    }
  });
}

toolTest(POSTGRES.tools[0] ?? "", `PostgreSQL: not ready in crash recovery, ${STARTS} starts`, async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  await POSTGRES.prepare?.(server, port);
  POSTGRES.start(server, port);
  await untilReady(POSTGRES.endpoint(port));
  const psql = (sql: string) =>
    server.run("/usr/lib/postgresql/15/bin/psql", [
      "-h",
      server.folder,
      "-p",
      String(port),
      "-U",
      LOGIN.user,
      "-c",
      sql,
      "postgres",
    ], {
      PGPASSWORD: LOGIN.password,
    });
  await psql(
    "create table t as select n, md5(n::text) as text from generate_series(1, 400000) n; create index on t (text)",
  );
  await server.stop("SIGKILL");
  await server.run("cp", ["-r", "data", "crashed"]);
  let recovering = 0;
  for (let start = 0; start < STARTS; start++) {
    POSTGRES.start(server, port);
    const reasons = await raceStart(POSTGRES, server, port);
    if (reasons.some((reason) => reason.includes("starting up") || reason.includes("not yet accepting"))) recovering++;
    await server.stop("SIGKILL");
    await server.run("rm", ["-r", "data"]);
    await server.run("cp", ["-r", "crashed", "data"]);
  }
  assertEquals(recovering, STARTS);
});

toolTest("redis-server", `Redis: not ready while it loads its data, ${STARTS} starts`, async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  REDIS.start(server, port);
  await untilReady(REDIS.endpoint(port));
  for (const words of [["debug", "populate", "5000"], ["save"]]) {
    await server.run("redis-cli", ["-p", String(port), ...words]);
  }
  await server.stop("SIGKILL");
  for (let start = 0; start < STARTS; start++) {
    REDIS.start(server, port);
    const reasons = await raceStart(REDIS, server, port);
    assert(reasons.some((reason) => reason.includes("LOADING")), "it was never seen loading");
    await server.stop("SIGKILL");
  }
});

toolTest(POSTGRES.tools[0] ?? "", "PostgreSQL: the login with SCRAM, over TCP and the Unix socket", async () => {
  const { server, port, endpoint } = await started(POSTGRES);
  await using _ = server;
  await untilReady(endpoint);
  assertStringIncludes(String((await runProbe(endpoint, { login: LOGIN }))["version"]), "15.");
  const socket = `postgres://ignored:${port}/postgres?host=${server.folder}`;
  assertEquals((await runProbe(socket, { login: LOGIN }))["auth"], "sasl");
  await assertRejects(
    () => runProbe(endpoint, { login: { ...LOGIN, password: "wrong" } }),
    Error,
    'rejected the login: password authentication failed for user "app"',
  );
});

toolTest(POSTGRES.tools[0] ?? "", "PostgreSQL: TLS by sslmode, with the certificate verified or not", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ hosts: ["127.0.0.1"] });
  await POSTGRES.prepare?.(server, port);
  await server.file("server.crt", cert);
  await server.file("given.key", key);
  // The server accepts a key only if it owns the file and no other user can read it.
  await server.run("sh", ["-c", "cp given.key server.key && chmod 600 server.key"]);
  await server.file("hba.conf", "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  server.start("/usr/lib/postgresql/15/bin/postgres", [
    ...["-D", "data", "-p", String(port), "-k", server.folder, "-h", "127.0.0.1", "-F", "-l"],
    ...["-c", `ssl_cert_file=${server.folder}/server.crt`, "-c", `ssl_key_file=${server.folder}/server.key`],
    ...["-c", `hba_file=${server.folder}/hba.conf`],
  ]);
  const endpoint = POSTGRES.endpoint(port);
  await untilReady(endpoint);
  await assertRejects(() => runProbe(endpoint, { login: LOGIN }), Error, "no encryption");
  assertEquals((await runProbe(`${endpoint}?sslmode=require`, { login: LOGIN }))["auth"], "sasl");
  const trusted = { login: LOGIN, connect: { tls: { ca: authority.cert } } };
  assertEquals((await runProbe(`${endpoint}?sslmode=verify-full`, trusted))["auth"], "sasl");
  await assertRejects(() => runProbe(`${endpoint}?sslmode=verify-full`, { login: LOGIN }), Error, "is not trusted");
});

toolTest(MARIADB.tools[0] ?? "", "MariaDB: the login, over TCP and the Unix socket", async () => {
  const { server, endpoint } = await started(MARIADB);
  await using _ = server;
  await untilReady(endpoint);
  const sql = `create user ${LOGIN.user}@'%' identified by "${LOGIN.password}"`;
  await server.run("mariadb", ["--no-defaults", "-uroot", `-S${server.folder}/s`, "-e", sql]);
  assertEquals((await runProbe(endpoint, { login: LOGIN }))["auth"], "mysql_native_password");
  await runProbe(`mysql://localhost/?socket=${server.folder}/s`, { login: LOGIN });
  await assertRejects(
    () => runProbe(endpoint, { login: { ...LOGIN, password: "wrong" } }),
    Error,
    "rejected the login: Access denied",
  );
});

toolTest(MARIADB.tools[0] ?? "", "MariaDB: checks in a row do not make it block the clients of the host", async () => {
  const { server, endpoint } = await started(MARIADB);
  await using _ = server;
  await untilReady(endpoint);
  const run = (sql: string) => server.run("mariadb", ["--no-defaults", "-uroot", `-S${server.folder}/s`, "-e", sql]);
  await run(`set global max_connect_errors = 1; create user ${LOGIN.user}@'%' identified by "${LOGIN.password}"`);
  // The server counts no errors of clients at 127.0.0.1.
  const from = { connect: { dialer: createDirectDialer({ from: { host: "127.0.0.2", port: 0 } }) } };
  for (let count = 0; count < 3; count++) await runProbe(endpoint, from);
  await runProbe(endpoint, { ...from, login: LOGIN });
});

toolTest("redis-server", "Redis: the login, and ready without it", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  server.start("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", LOGIN.password]);
  await untilReady(REDIS.endpoint(port));
  assertStringIncludes(String((await runProbe(REDIS.endpoint(port)))["refused"]), "NOAUTH");
  assertEquals(await runProbe(REDIS.endpoint(port), { login: { user: "", password: LOGIN.password } }), {});
  await assertRejects(() => runProbe(REDIS.endpoint(port), { login: LOGIN }), Error, "WRONGPASS");
});

toolTest(RABBITMQ.tools[0] ?? "", "RabbitMQ: the login and the virtual host", async () => {
  const { server, endpoint } = await started(RABBITMQ);
  await using _ = server;
  await untilReady(endpoint);
  const guest = { user: "guest", password: "guest" };
  await runProbe(endpoint, { login: guest });
  await assertRejects(() => runProbe(endpoint, { login: LOGIN }), Error, "rejected the login: ACCESS_REFUSED");
  await assertRejects(() => runProbe(`${endpoint}/nosuch`, { login: guest }), Error, "vhost nosuch not found");
});

toolTest("mosquitto", "Mosquitto: the login in both versions, and ready without it", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  await server.file("passwords", `${LOGIN.user}:${LOGIN.password}\n`, 0o666);
  await server.run("mosquitto_passwd", ["-U", "passwords"]);
  await server.file(
    "config",
    `listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${server.folder}/passwords\n`,
  );
  MOSQUITTO.start(server, port);
  const endpoint = MOSQUITTO.endpoint(port);
  await untilReady(endpoint);
  for (const version of ["3.1.1", "5"]) {
    assertEquals((await runProbe(`${endpoint}?version=${version}`))["refused"], "not authorized");
    assertEquals(await runProbe(`${endpoint}?version=${version}`, { login: LOGIN }), { version });
  }
  await assertRejects(() => runProbe(endpoint, { login: { ...LOGIN, password: "no" } }), Error, "rejected the login");
});

toolTest("memcached", "memcached: ready with its version", async () => {
  const { server, endpoint } = await started(MEMCACHED);
  await using _ = server;
  await untilReady(endpoint);
  assertStringIncludes(String((await runProbe(endpoint))["version"]), "1.");
});

toolTest("nats-server", "nats-server: the login, and ready without it", async () => {
  const { server, endpoint } = await started(NATS);
  await using _ = server;
  await untilReady(endpoint);
  assertEquals((await runProbe(endpoint))["auth"], "required");
  await runProbe(endpoint, { login: LOGIN });
  await assertRejects(
    () => runProbe(endpoint, { login: { ...LOGIN, password: "no" } }),
    Error,
    "Authorization Violation",
  );
});

toolTest("dnsmasq", "dnsmasq: records of each type over UDP and TCP, and what is missing", async () => {
  const { server, port, endpoint } = await started(DNSMASQ);
  await using _ = server;
  await untilReady(endpoint);
  const records = async (query: string) => (await runProbe(`dns://127.0.0.1:${port}/${query}`))["records"];
  assertEquals(await records("app.test?transport=tcp"), ["192.0.2.7"]);
  assertEquals(await records("app.test?type=AAAA&value=2001:db8::7"), ["2001:db8::7"]);
  assertEquals(await records("t.test?type=TXT"), ["helloworld"]);
  assertEquals(await records("m.test?type=MX"), ["5 mx.test"]);
  // Truncated over UDP.
  assertEquals(String(await records("long.test?type=TXT")).length, 600);
  await assertRejects(() => records("app.test?value=192.0.2.8"), NotReadyError, "is 192.0.2.7, not 192.0.2.8");
  await assertRejects(() => records("m.test?type=TXT"), NotReadyError, "no record of that type");
  assertEquals(await runProbe(`dns://127.0.0.1:${port}`), {});
});

toolTest("/usr/sbin/slapd", "slapd: the login", async () => {
  const { server, endpoint } = await started(SLAPD);
  await using _ = server;
  await untilReady(endpoint);
  const user = "cn=app,dc=test";
  assertEquals(await runProbe(endpoint, { login: { user, password: LOGIN.password } }), {});
  await assertRejects(() => runProbe(endpoint, { login: { user, password: "no" } }), Error, "invalid credentials");
});

toolTest("nginx", "nginx: 503 is not ready, then 200 is; the body and redirects", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  const endpoint = NGINX.endpoint(port);
  await server.file("config", nginxConfig(server.folder, port, 503));
  NGINX.start(server, port);
  while (!(await runProbe(endpoint).catch((error: Error) => error.message)).toString().includes("503")) {
    await delay(POLL_MS);
  }
  await assertRejects(() => runProbe(endpoint), NotReadyError, "answered 503");
  await server.stop();
  await NGINX.prepare?.(server, port);
  NGINX.start(server, port);
  await untilReady(endpoint);
  await runProbe(endpoint, { expected: { bodyJson: "db[0].ok=true", status: "200" } });
  const moved = `http://127.0.0.1:${port}/moved`;
  await assertRejects(() => runProbe(moved, { expected: { status: "200" } }), NotReadyError, "Location:");
  await runProbe(moved, { expected: { status: "200", maxRedirects: 1, body: '"up"' } });
});
