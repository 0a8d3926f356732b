/**
 * How to start each of Debian's servers for the probes, and which client of its
 * own tells whether it is up.
 *
 * @module
 */

import { closedPort } from "./ports.ts";
import type { RealServer } from "./real_server.ts";

export const LOGIN = { user: "app", password: "sec'ret" };

/** One server, how it is prepared and started, and its own client. */
export interface ServerKind {
  readonly name: string;
  /** Programs that must be installed. */
  readonly tools: readonly string[];
  /** Written once before the first start. */
  prepare?(server: RealServer, port: number): Promise<void>;
  start(server: RealServer, port: number): void;
  endpoint(port: number): string;
  /** The server's own client: whether it is served. */
  ownClient?(server: RealServer, port: number): Promise<boolean>;
}

const POSTGRES_BIN = "/usr/lib/postgresql/15/bin";

async function succeeds(server: RealServer, program: string, args: readonly string[]): Promise<boolean> {
  try {
    await server.run(program, args);
    return true;
  } catch {
    // The client's exit status is the answer.
    return false;
  }
}

export const POSTGRES: ServerKind = {
  name: "PostgreSQL",
  tools: [`${POSTGRES_BIN}/postgres`],
  async prepare(server) {
    await server.file("password", LOGIN.password);
    const how = ["-U", LOGIN.user, "--pwfile=password", "-A", "scram-sha-256", "--no-sync"];
    await server.run(`${POSTGRES_BIN}/initdb`, ["-D", "data", ...how]);
  },
  start(server, port) {
    server.start(`${POSTGRES_BIN}/postgres`, [
      ...["-D", "data", "-p", String(port), "-k", server.folder, "-h", "127.0.0.1", "-F"],
      ...["-c", "checkpoint_timeout=1h", "-c", "max_wal_size=4GB", "-c", "log_startup_progress_interval=0"],
    ]);
  },
  endpoint: (port) => `postgres://127.0.0.1:${port}/postgres`,
  ownClient: (server, port) =>
    succeeds(server, `${POSTGRES_BIN}/pg_isready`, ["-q", "-h", "127.0.0.1", "-p", String(port)]),
};

export const REDIS: ServerKind = {
  name: "Redis",
  tools: ["redis-server", "redis-cli"],
  start(server, port) {
    server.start("redis-server", [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", server.folder, "--save", ""],
      ...[
        "--enable-debug-command",
        "yes",
        "--key-load-delay",
        "100",
        "--loading-process-events-interval-bytes",
        "1024",
      ],
    ]);
  },
  endpoint: (port) => `redis://127.0.0.1:${port}`,
  async ownClient(server, port) {
    try {
      return (await server.run("redis-cli", ["-p", String(port), "ping"])).trim() === "PONG";
    } catch {
      // Not listening yet.
      return false;
    }
  },
};

export const MARIADB: ServerKind = {
  name: "MariaDB",
  tools: ["mariadbd", "mariadb-install-db"],
  async prepare(server) {
    await server.run("mariadb-install-db", [
      ...["--no-defaults", `--datadir=${server.folder}/data`, "--auth-root-authentication-method=normal"],
      "--skip-test-db",
    ]);
  },
  start(server, port) {
    server.start("mariadbd", [
      ...["--no-defaults", `--datadir=${server.folder}/data`, `--port=${port}`, `--socket=${server.folder}/s`],
      ...[
        "--bind-address=127.0.0.1",
        `--pid-file=${server.folder}/pid`,
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
      ],
    ]);
  },
  endpoint: (port) => `mysql://127.0.0.1:${port}`,
  ownClient: (server, port) =>
    succeeds(server, "mariadb-admin", ["--no-defaults", "-h127.0.0.1", `-P${port}`, "-uroot", "ping"]),
};

export const RABBITMQ: ServerKind = {
  name: "RabbitMQ",
  tools: ["/usr/lib/rabbitmq/bin/rabbitmq-server", "amqp-declare-queue", "epmd"],
  start(server, port) {
    const { folder } = server;
    // The port mapper that RabbitMQ would start itself is a daemon, and would outlive it.
    server.start("sh", ["-c", "epmd & exec /usr/lib/rabbitmq/bin/rabbitmq-server"], {
      RABBITMQ_NODENAME: `parley${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(closedPort()),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(closedPort()),
      RABBITMQ_MNESIA_BASE: folder,
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_PID_FILE: `${folder}/pid`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
      RABBITMQ_CONFIG_FILE: `${folder}/none`,
      LANG: "C.UTF-8",
    });
  },
  endpoint: (port) => `amqp://127.0.0.1:${port}`,
  ownClient: (server, port) =>
    succeeds(server, "amqp-declare-queue", [`--url=amqp://guest:guest@127.0.0.1:${port}`, "-q", "probe"]),
};

export const MOSQUITTO: ServerKind = {
  name: "Mosquitto",
  tools: ["mosquitto", "mosquitto_pub"],
  async prepare(server, port) {
    await server.file("config", `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  },
  start: (server) => server.start("mosquitto", ["-c", "config"]),
  endpoint: (port) => `mqtt://127.0.0.1:${port}`,
  ownClient: (server, port) =>
    succeeds(server, "mosquitto_pub", ["-h", "127.0.0.1", "-p", String(port), "-t", "probe", "-n"]),
};

export const MEMCACHED: ServerKind = {
  name: "memcached",
  tools: ["memcached"],
  start: (server, port) => server.start("memcached", ["-l", "127.0.0.1", "-p", String(port), "-U", "0"]),
  endpoint: (port) => `memcached://127.0.0.1:${port}`,
};

export const NATS: ServerKind = {
  name: "nats-server",
  tools: ["nats-server"],
  start: (server, port) =>
    server.start("nats-server", [
      ...["-a", "127.0.0.1", "-p", String(port), "--user", LOGIN.user, "--pass", LOGIN.password],
    ]),
  endpoint: (port) => `nats://127.0.0.1:${port}`,
};

export const DNSMASQ: ServerKind = {
  name: "dnsmasq",
  tools: ["dnsmasq"],
  start: (server, port) =>
    server.start("dnsmasq", [
      ...["-k", "-p", String(port), "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts"],
      ...[
        "--conf-file=/dev/null",
        "--local=/test/",
        "--address=/app.test/192.0.2.7",
        "--address=/app.test/2001:db8::7",
      ],
      `--txt-record=long.test,${["a", "b", "c"].map((letter) => letter.repeat(200)).join(",")}`,
      ...["--txt-record=t.test,hello,world", "--mx-host=m.test,mx.test,5", "--user=nobody", "--pid-file"],
    ]),
  endpoint: (port) => `dns://127.0.0.1:${port}/app.test`,
};

export const OPENSSH: ServerKind = {
  name: "OpenSSH",
  tools: ["/usr/sbin/sshd", "ssh-keygen", "ssh-keyscan"],
  prepare: async (server) => {
    await server.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "key"]);
  },
  start: (server, port) =>
    server.start("/usr/sbin/sshd", [
      ...["-D", "-e", "-f", "/dev/null", "-p", String(port), "-h", `${server.folder}/key`],
      ...["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"],
    ]),
  endpoint: (port) => `ssh://127.0.0.1:${port}`,
  ownClient: async (server, port) =>
    (await server.run("ssh-keyscan", ["-T", "20", "-p", String(port), "127.0.0.1"]).catch(() => "")).includes(
      "ssh-ed25519",
    ),
};

export const SLAPD: ServerKind = {
  name: "slapd",
  tools: ["/usr/sbin/slapd", "ldapwhoami"],
  async prepare(server) {
    await server.run("mkdir", ["database"]);
    await server.file(
      "config",
      [
        "include /etc/ldap/schema/core.schema",
        ...["modulepath /usr/lib/ldap", "moduleload back_mdb", "database mdb", 'suffix "dc=test"'],
        ...['rootdn "cn=app,dc=test"', `rootpw "${LOGIN.password}"`, `directory ${server.folder}/database`, ""],
      ].join("\n"),
    );
  },
  start: (server, port) =>
    server.start("/usr/sbin/slapd", ["-f", "config", "-h", `ldap://127.0.0.1:${port}/`, "-d", "0"]),
  endpoint: (port) => `ldap://127.0.0.1:${port}`,
  ownClient: (server, port) => succeeds(server, "ldapwhoami", ["-x", "-H", `ldap://127.0.0.1:${port}`]),
};

/** The configuration of an nginx that answers every request with a status. */
export function nginxConfig(folder: string, port: number, status: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${folder}/${name};`
  );
  const answer = `return ${status} '{"status":"up","db":[{"ok":true}]}';`;
  return [
    `daemon off; pid ${folder}/pid; error_log stderr; events {}`,
    `http { access_log off; ${temporary.join(" ")}`,
    `server { listen 127.0.0.1:${port}; location / { ${answer} } location /moved { return 302 /; } } }`,
  ].join("\n");
}

export const NGINX: ServerKind = {
  name: "nginx",
  tools: ["nginx", "curl"],
  async prepare(server, port) {
    await server.file("config", nginxConfig(server.folder, port, 200));
  },
  start: (server) => server.start("nginx", ["-p", server.folder, "-c", `${server.folder}/config`, "-e", "stderr"]),
  endpoint: (port) => `http://127.0.0.1:${port}/health`,
  ownClient: (server, port) => succeeds(server, "curl", ["-sf", "-o", "/dev/null", `http://127.0.0.1:${port}/health`]),
};
