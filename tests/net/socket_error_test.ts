import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { BindError, connect, listen, RefusedError, TimeoutError } from "@parley/parley";
import { exitCodeOf } from "../../src/cli/exit_codes.ts";
import { toSocketError } from "../../src/net/socket_error.ts";

function systemError(code: string, message = "what the system says (os error 999)"): Error {
  return Object.assign(new Error(message), { code });
}

/** What each code means to a client, by exit code; one line of codes for each. */
const CONNECT: Readonly<Record<number, string>> = {
  2: "EINVAL EMSGSIZE EDESTADDRREQ ENAMETOOLONG ELOOP EISCONN EALREADY EINPROGRESS ENOPROTOOPT EOPNOTSUPP ENOTSUP EFAULT",
  4: "ECONNREFUSED EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN ENONET EAFNOSUPPORT EPFNOSUPPORT EPROTONOSUPPORT " +
    "ESOCKTNOSUPPORT EPROTOTYPE ENOTSOCK ENOENT ENOTDIR ENXIO",
  5: "ETIMEDOUT EAGAIN EWOULDBLOCK",
  7: "ECONNRESET ECONNABORTED ENETRESET EPIPE ENOTCONN EDISCON ESHUTDOWN EBADF EINTR ECANCELED",
  8: "EADDRINUSE EADDRNOTAVAIL EACCES EPERM EROFS EMFILE ENFILE ENOBUFS ENOMEM ENOSR EPROCLIM ENOSPC EDQUOT",
};

for (const [exit, codes] of Object.entries(CONNECT)) {
  Deno.test(`toSocketError() maps a client's errors to exit code ${exit}: ${codes} (fault 14)`, () => {
    for (const name of codes.split(" ")) {
      for (const code of [name, `WSA${name}`]) {
        const error = toSocketError(systemError(code), "connect to", "tcp://127.0.0.1:1");
        assertEquals([code, exitCodeOf(error)], [code, Number(exit)]);
        assert(!error.message.includes("os error"), error.message);
      }
    }
  });
}

Deno.test("toSocketError() maps an address that cannot be bound to exit code 8 (fault 14)", () => {
  for (const code of ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ENOENT", "ENOTDIR", "EAFNOSUPPORT", "ENETUNREACH"]) {
    for (const doing of ["listen on", "bind"]) {
      assertEquals([code, exitCodeOf(toSocketError(systemError(code), doing, "tcp://[::1]:1"))], [code, 8]);
    }
  }
});

const NO_ADDRESS = new Deno.errors.AddrNotAvailable("Cannot assign requested address (os error 99)");
const NO_FAMILY = Object.assign(new Error("Address family not supported by protocol (os error 97)"), {
  code: "EAFNOSUPPORT",
});

Deno.test("toSocketError() treats a missing address family as an unreachable peer (fault 65)", () => {
  for (const cause of [NO_ADDRESS, NO_FAMILY]) {
    const error = toSocketError(cause, "connect to", "tcp://[::1]:80");
    assertInstanceOf(error, RefusedError);
    assertEquals(error.cause, cause);
  }
});

Deno.test("toSocketError() treats an address that is not local as one that cannot be bound", () => {
  for (const cause of [NO_ADDRESS, NO_FAMILY]) {
    const error = toSocketError(cause, "listen on", "tcp://[::1]:80");
    assertInstanceOf(error, BindError);
    assertEquals(error.reason, "not available");
  }
});

Deno.test("toSocketError() treats EADDRNOTAVAIL as missing IPv6, or as a lack of free ports (faults 14, 65)", () => {
  const of = (endpoint: string) => exitCodeOf(toSocketError(systemError("EADDRNOTAVAIL"), "connect to", endpoint));
  assertEquals([of("tcp://[::1]:80"), of("tcp://127.0.0.1:80")], [4, 8]);
});

Deno.test("toSocketError() reports an unknown code, and maps it to exit code 1 (fault 14)", () => {
  const error = toSocketError(systemError("ESTRANGE", "something odd"), "read from", "tcp://127.0.0.1:1");
  assertEquals(error.message, "Cannot read from tcp://127.0.0.1:1: something odd (ESTRANGE)");
  assertEquals(exitCodeOf(error), 1);
});

Deno.test("toSocketError() uses the runtime's classes if there is no code (fault 14)", () => {
  const of = (error: Error) => exitCodeOf(toSocketError(error, "connect to", "tcp://127.0.0.1:1"));
  const { errors } = Deno;
  assertEquals([of(new errors.ConnectionRefused("x")), of(new errors.NotADirectory("x"))], [4, 4]);
  assertEquals([of(new errors.WouldBlock("x")), of(new errors.TimedOut("x"))], [5, 5]);
  assertEquals([of(new errors.BadResource("x")), of(new errors.PermissionDenied("x"))], [7, 8]);
  assertEquals(of(new Error("Protocol wrong type for socket (os error 91)")), 4);
});

for (
  const [endpoint, exit, reason] of [
    ["tcp://[fe80::1]:80", 2, "invalid argument"],
    ["tcp://127.0.0.1:0", 2, "port 0"],
    ["tcp://255.255.255.255:80", 4, "network is unreachable"],
    ["unix:/etc/passwd", 4, "connection refused"],
    ["unix:/etc/passwd/x", 4, "not a directory"],
    ["unix:/nonexistent/x", 4, "no such file"],
  ] as const
) {
  Deno.test({
    name: `connect() to ${endpoint} fails with exit code ${exit} (fault 14)`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const error = await assertRejects(() => connect(endpoint, { connectTimeout: "5s" }), Error);
      assertEquals(exitCodeOf(error), exit);
      assertStringIncludes(error.message, reason);
    },
  });
}

Deno.test({
  name: "connect() to a Unix socket of another type is refused (fault 14)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/s`;
    const socket = Deno.listenDatagram({ transport: "unixpacket", path });
    try {
      assertInstanceOf(await assertRejects(() => connect(`unix:${path}`)), RefusedError);
    } finally {
      socket.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A Unix socket whose backlog is full. */
async function fullUnixListener(folder: string) {
  const path = `${folder}/s`;
  const listener = await listen(`unix:${path}`, { backlog: 1 });
  const waiting: Deno.Conn[] = [];
  try {
    // The backlog of a Unix socket is that of the system where the runtime asks for no other.
    for (;;) waiting.push(await Deno.connect({ transport: "unix", path }));
  } catch (error) {
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
  }
  return {
    endpoint: listener.endpoint,
    listener,
    [Symbol.dispose]() {
      for (const conn of waiting) conn.close();
      listener.close();
    },
  };
}

Deno.test({
  name: "connect() waits for room in a Unix socket's backlog, until its timeout (fault 14)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      using full = await fullUnixListener(folder);
      const error = await assertRejects(() => connect(full.endpoint, { connectTimeout: 150 }), TimeoutError);
      assertEquals([error.phase, exitCodeOf(error)], ["connect", 5]);
      const connecting = connect(full.endpoint);
      await using _served = await full.listener.accept();
      await using _client = await connecting;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

for (const kind of ["tcp", "unix"] as const) {
  Deno.test(`connect() over ${kind} leaves nothing open when it is aborted in any turn of the dial (fault 23)`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      using listener = await listen(kind === "tcp" ? "tcp://127.0.0.1:0" : `unix:${folder}/s`);
      const accepting = (async () => {
        for await (const connection of listener) connection.close();
      })();
      for (let turns = 0; turns < 60; turns++) {
        const stop = new AbortController();
        const connecting = connect(listener.endpoint, { signal: stop.signal });
        connecting.catch(() => {});
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        if (turns > 30) await new Promise((resolve) => setTimeout(resolve, 0));
        stop.abort(new Error("enough"));
        // Either the caller gets the connection, or it is closed: the sanitizer detects a leaked one.
        await connecting.then((connection) => connection.close(), () => {});
      }
      // A dial that was under way ends before one that begins later.
      for (let round = 0; round < 3; round++) {
        await using last = await connect(listener.endpoint);
        assertEquals(await last.read(), null);
      }
      listener.close();
      await accepting;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
