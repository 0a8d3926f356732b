const TICK_US = 10_000;

/** How busy the machine is with other programs; Linux only. */
export class Busyness {
  readonly #startedMs = performance.now();
  readonly #busyUs: number;
  readonly #childrenUs: number;

  private constructor(busyUs: number, childrenUs: number) {
    this.#busyUs = busyUs;
    this.#childrenUs = childrenUs;
  }

  /** Starts to measure; `undefined` if the system does not report it. */
  static async start(): Promise<Busyness | undefined> {
    try {
      return new Busyness(await busyUs(), await childrenUs());
    } catch {
      return undefined;
    }
  }

  /** Share of all cores used by neither the server, given its processor time, nor the load, which has ended. */
  async others(serverUs: number): Promise<number> {
    const cores = navigator.hardwareConcurrency;
    const wallUs = (performance.now() - this.#startedMs) * 1_000 * cores;
    const ownUs = serverUs + await childrenUs() - this.#childrenUs;
    return Math.max(0, await busyUs() - this.#busyUs - ownUs) / wallUs;
  }
}

/** Time that all cores together were not idle, including time stolen by a hypervisor: proc_stat(5). */
async function busyUs(): Promise<number> {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (await Deno.readTextFile("/proc/stat"))
    .split("\n", 1)[0]?.split(/ +/).slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softIrq + steal) * TICK_US;
}

/** Processor time of the child processes that have been waited for: fields 16 and 17 of proc_pid_stat(5). */
async function childrenUs(): Promise<number> {
  const fields = (await Deno.readTextFile("/proc/self/stat")).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK_US;
}
