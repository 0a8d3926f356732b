import { compileProgram, compilerFor } from "../release/compile_program.ts";
import { COMPILED_LOOP, COMPILED_SERVER, type Contender, OPENSSL, type Tools } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import { hasProgram, run } from "./process.ts";

const PROGRAMS = [
  ...["load/echo_load", "load/fanout_load", "load/ws_load", "load/udp_load", "load/connect_load", "load/idle_hold"],
  ...["load/join_load", "peers/epoll_echo"],
];
const TLS_PROGRAMS = ["load/tls_load", "peers/epoll_tls_echo"];

/** Version of Node's `ws` to compare with: the one whose codec we use. */
const WS = "ws@8.23.0";

/** The prerequisites of a run; all created files are in one folder, removed at the end. */
export interface Prepared extends AsyncDisposable {
  readonly tools: Tools;
  readonly canPin: boolean;
  /** The contender's required programs that are missing. */
  missing(contender: Contender): Promise<readonly string[]>;
}

/** Builds the load generators, and fetches the dependencies of the peers. */
export async function prepare(): Promise<Prepared> {
  const scratch = await Deno.makeTempDir({ prefix: "parley-bench-" });
  for (const program of PROGRAMS) {
    await build(program, scratch);
  }
  const tools = {
    scratch,
    built: (name: string) => `${scratch}/${name}`,
    certificate: `${scratch}/certificate.pem`,
    key: `${scratch}/key.pem`,
  };
  const found = new Map<string, Promise<boolean>>();
  const look = (need: string) => {
    if (need === "npm:ws") return succeeds(installWs(scratch));
    if (need === OPENSSL) return succeeds(buildTls(tools));
    if (need === COMPILED_LOOP) return succeeds(compilePeer("deno_loop.ts", tools.built("deno_loop")));
    if (need === COMPILED_SERVER) return succeeds(Deno.stat(sourcePath("../../dist/parley-server")));
    return hasProgram(need);
  };
  return {
    tools,
    canPin: navigator.hardwareConcurrency > 1 && await hasProgram("taskset"),
    async missing(contender) {
      const absent: string[] = [];
      for (const need of contender.needs) {
        const isThere = found.get(need) ?? look(need);
        found.set(need, isThere);
        if (!await isThere) absent.push(need);
      }
      return absent;
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(scratch, { recursive: true });
    },
  };
}

async function build(program: string, folder: string, libraries: readonly string[] = []): Promise<void> {
  await run(["gcc", "-O2", "-o", `${folder}/${nameOf(program)}`, sourcePath(`${program}.c`), ...libraries]);
}

/** The TLS programs, and a certificate for them. */
async function buildTls({ scratch, certificate, key }: Tools): Promise<void> {
  for (const program of TLS_PROGRAMS) await build(program, scratch, ["-lssl", "-lcrypto"]);
  await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
  ]);
}

async function installWs(folder: string): Promise<void> {
  await run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, WS]);
}

/** Compiles a peer with the same runtime as the programs in `dist/`. */
export async function compilePeer(file: string, path: string): Promise<void> {
  const dist = sourcePath("../../dist");
  const isOnNpm = await succeeds(Deno.stat(`${dist}/denort-from-npm`));
  await compileProgram(sourcePath(`peers/${file}`), path, await compilerFor(isOnNpm ? "npm" : undefined, dist));
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}
