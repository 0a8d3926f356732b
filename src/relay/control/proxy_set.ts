import { BindError, messageOf } from "../../base/errors.ts";
import { Logger } from "../../log/logger.ts";
import { type Endpoint, formatEndpoint, formatHostPort, parseEndpoint } from "../../net/endpoint.ts";
import { retry } from "../../net/retry.ts";
import { ServerStats } from "../../server/server_stats.ts";
import { mergeSnapshots, type StatsSnapshot, type StatsSource } from "../../server/stats_snapshot.ts";
import type { Fault } from "../faults/fault.ts";
import { assertUsable, type Relay, type RelayOptions } from "../relay.ts";
import { ApiError, badBody } from "./api_error.ts";
import { objectIn } from "./json.ts";
import { faultOf, readToxic, type Toxic, updateToxic } from "./toxics.ts";

/** A requested proxy. */
export interface ProxySettings {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly seed: number;
  readonly toxics: readonly Toxic[];
}

/** Starts the relay of a proxy. */
export type StartProxy = (
  listen: Endpoint,
  upstream: readonly Endpoint[],
  options: Pick<RelayOptions, "faults" | "seed" | "stats" | "context">,
) => Promise<Relay>;

/**
 * An address that was given up a moment ago may still be in use: a child process that this process was starting has
 * its listening socket until exec(2).
 */
const LISTEN_AGAIN = {
  tries: 20,
  backoff: { next: () => 25 },
  isTransient: (error: unknown) => error instanceof BindError && error.reason === "in use",
};

/** One proxy, and its relay while it is enabled. */
interface Proxy {
  settings: ProxySettings;
  relay: Relay | undefined;
  /** Faults before those of the toxics. */
  readonly base: readonly Fault[];
  /** Kept when the proxy is disabled and enabled again. */
  readonly stats: ServerStats;
}

/** The proxies of a control API, by name. Changes are atomic and serialized. */
export class ProxySet implements StatsSource, AsyncDisposable {
  readonly #start: StartProxy;
  readonly #seed: () => number;
  readonly #proxies = new Map<string, Proxy>();
  #lastChange: Promise<unknown> = Promise.resolve();
  #isEnding = false;

  /** `seed` returns the default seed of a proxy. */
  constructor(start: StartProxy, seed: () => number) {
    this.#start = start;
    this.#seed = seed;
  }

  /** Every proxy, by name. */
  list(): ProxySettings[] {
    return this.#proxies.values().map(({ settings }) => settings).toArray()
      .toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** @throws {ApiError} 404 */
  get(name: string): ProxySettings {
    return this.#get(name).settings;
  }

  /** The open connections of a proxy and their totals. */
  connectionsOf(name: string): Promise<StatsSnapshot> {
    return this.#get(name).stats.snapshot(true);
  }

  /**
   * Adds a proxy from the body of a request.
   *
   * @throws {ApiError} 400, 409, or 500 if it cannot listen.
   */
  add(body: unknown): Promise<ProxySettings> {
    return this.#change(async () => {
      const settings = this.#read(body);
      if (this.#proxies.has(settings.name)) throw new ApiError(409, "proxy already exists");
      const proxy = newProxy(settings);
      await this.#open(proxy);
      this.#proxies.set(settings.name, proxy);
      return proxy.settings;
    });
  }

  /**
   * Adds a list of proxies, replacing those with different settings. If one cannot listen, nothing changes.
   *
   * @throws {ApiError} See {@linkcode add}.
   */
  populate(body: unknown): Promise<ProxySettings[]> {
    return this.#change(async () => {
      if (!Array.isArray(body)) throw badBody(new SyntaxError("the body must be an array of proxies"));
      const wanted = body.map((entry: unknown, index) => this.#read(entry, ` at proxy ${index + 1}`));
      const undo: (() => Promise<void>)[] = [];
      try {
        const result: ProxySettings[] = [];
        for (const settings of wanted) {
          const before = this.#proxies.get(settings.name);
          if (before !== undefined && !differs(before.settings, settings)) {
            result.push(before.settings);
            continue;
          }
          const wasEnabled = before?.settings.enabled ?? false;
          if (before !== undefined) {
            await close(before);
            undo.push(async () => {
              before.settings = { ...before.settings, enabled: wasEnabled };
              this.#proxies.set(settings.name, before);
              await this.#openAgain(before);
            });
          }
          const proxy = newProxy(settings);
          undo.push(async () => {
            this.#proxies.delete(settings.name);
            await close(proxy);
          });
          await this.#open(proxy);
          this.#proxies.set(settings.name, proxy);
          result.push(proxy.settings);
        }
        return result;
      } catch (error) {
        for (const step of undo.reverse()) await step();
        throw error;
      }
    });
  }

  /**
   * Changes where a proxy listens, where it connects to, its seed, or whether it is enabled.
   *
   * @throws {ApiError} 400, 404, or 500 if it cannot listen; it is then unchanged.
   */
  update(name: string, body: unknown): Promise<ProxySettings> {
    return this.#change(async () => {
      const proxy = this.#get(name);
      const input = objectIn(body);
      const before = proxy.settings;
      const after = {
        ...before,
        listen: input.text("listen") ?? before.listen,
        upstream: input.text("upstream") ?? before.upstream,
        enabled: input.boolean("enabled") ?? before.enabled,
        seed: input.number("seed") ?? before.seed,
      };
      checkSettings(after);
      const isMoved = differs({ ...before, toxics: after.toxics }, after);
      if (!isMoved && after.enabled === before.enabled) return before;
      await close(proxy);
      proxy.settings = after;
      try {
        await this.#open(proxy);
      } catch (error) {
        proxy.settings = before;
        await this.#openAgain(proxy);
        throw error;
      }
      return proxy.settings;
    });
  }

  /** @throws {ApiError} 404 */
  remove(name: string): Promise<void> {
    return this.#change(async () => {
      const proxy = this.#get(name);
      this.#proxies.delete(name);
      await close(proxy);
    });
  }

  /** Enables every proxy and removes all toxics. */
  reset(): Promise<void> {
    return this.#change(async () => {
      for (const proxy of this.#proxies.values()) {
        this.#setToxics(proxy, []);
        if (proxy.settings.enabled) continue;
        proxy.settings = { ...proxy.settings, enabled: true };
        try {
          await this.#open(proxy);
        } catch (error) {
          proxy.settings = { ...proxy.settings, enabled: false };
          throw error;
        }
      }
    });
  }

  /** @throws {ApiError} 404 */
  toxic(name: string, toxicName: string): Toxic {
    const toxic = this.get(name).toxics.find((one) => one.name === toxicName);
    if (toxic === undefined) throw new ApiError(404, "toxic not found");
    return toxic;
  }

  /** @throws {ApiError} 400, 404 or 409 */
  addToxic(name: string, body: unknown): Promise<Toxic> {
    return this.#change(() => {
      const proxy = this.#get(name);
      const toxic = readToxic(body);
      const { toxics } = proxy.settings;
      if (toxics.some((one) => one.name === toxic.name)) throw new ApiError(409, "toxic already exists");
      this.#setToxics(proxy, [...toxics, toxic]);
      return Promise.resolve(toxic);
    });
  }

  /** @throws {ApiError} 400 or 404 */
  updateToxic(name: string, toxicName: string, body: unknown): Promise<Toxic> {
    return this.#change(() => {
      const proxy = this.#get(name);
      const before = this.toxic(name, toxicName);
      const toxic = updateToxic(before, body);
      this.#setToxics(proxy, proxy.settings.toxics.map((one) => one === before ? toxic : one));
      return Promise.resolve(toxic);
    });
  }

  /** @throws {ApiError} 404 */
  removeToxic(name: string, toxicName: string): Promise<void> {
    return this.#change(() => {
      const toxic = this.toxic(name, toxicName);
      const proxy = this.#get(name);
      this.#setToxics(proxy, proxy.settings.toxics.filter((one) => one !== toxic));
      return Promise.resolve();
    });
  }

  /** The statistics of all proxies. */
  async snapshot(withConnections: boolean): Promise<StatsSnapshot> {
    const all = await Promise.all(this.#proxies.values().map(({ stats }) => stats.snapshot(withConnections)));
    return { ...mergeSnapshots(all), isEnding: this.#isEnding, fault: undefined };
  }

  /** Adds a running relay to the API. */
  adopt(name: string, relay: Relay, upstream: string): void {
    const settings = {
      name,
      listen: shortText(relay.endpoint),
      upstream,
      enabled: true,
      seed: relay.seed,
      toxics: [],
    };
    this.#proxies.set(name, { settings, relay, stats: relay.stats, base: relay.faults });
  }

  /** Stops accepting, and waits until the connections have ended. */
  async shutdown(): Promise<void> {
    this.#isEnding = true;
    await this.#change(() => Promise.all(this.#proxies.values().map(({ relay }) => relay?.shutdown())));
  }

  /** Closes everything immediately. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    await this.#change(() => Promise.all(this.#proxies.values().map(close)));
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#lastChange.then(change);
    this.#lastChange = changed.catch(() => {
      // The error goes to the caller of the change.
    });
    return changed;
  }

  #get(name: string): Proxy {
    const proxy = this.#proxies.get(name);
    if (proxy === undefined) throw new ApiError(404, "proxy not found");
    return proxy;
  }

  #read(body: unknown, where = ""): ProxySettings {
    const input = objectIn(body);
    const name = input.text("name");
    const upstream = input.text("upstream");
    if (!name) throw new ApiError(400, `missing required field: name${where}`);
    if (!upstream) throw new ApiError(400, `missing required field: upstream${where}`);
    const settings = {
      name,
      listen: input.text("listen") || "127.0.0.1:0",
      upstream,
      enabled: input.boolean("enabled") ?? true,
      seed: input.number("seed") ?? this.#seed(),
      toxics: (input.array("toxics") ?? []).map(readToxic),
    };
    checkSettings(settings);
    return settings;
  }

  #setToxics(proxy: Proxy, toxics: readonly Toxic[]): void {
    const settings = { ...proxy.settings, toxics: inOrder(toxics) };
    checkSettings(settings);
    proxy.settings = settings;
    const faults = [...proxy.base, ...faultsOf(settings)];
    // An unchanged fault stays the same object and continues.
    const kept = proxy.relay?.faults ?? [];
    proxy.relay?.setFaults(faults.map((fault) => kept.find((one) => isSame(one, fault)) ?? fault));
  }

  /** After a failed change. A proxy that cannot listen again is disabled, so that it can be enabled later. */
  async #openAgain(proxy: Proxy): Promise<void> {
    try {
      await this.#open(proxy);
    } catch (error) {
      const { name } = proxy.settings;
      Logger.of("control").error("proxy disabled: it cannot listen again", { proxy: name, error: messageOf(error) });
      proxy.settings = { ...proxy.settings, enabled: false };
    }
  }

  async #open(proxy: Proxy): Promise<void> {
    const { name, listen, upstream, enabled, seed } = proxy.settings;
    if (!enabled || this.#isEnding) return;
    const { stats } = proxy;
    stats.isEnding = false;
    try {
      const faults = [...proxy.base, ...faultsOf(proxy.settings)];
      const options = { faults, seed, stats, context: name };
      const start = () => this.#start(parseEndpoint(listen), targetsIn(upstream), options);
      proxy.relay = await retry(start, LISTEN_AGAIN);
    } catch (error) {
      throw new ApiError(500, messageOf(error), { cause: error });
    }
    proxy.settings = { ...proxy.settings, listen: shortText(proxy.relay.endpoint) };
  }
}

function newProxy(settings: ProxySettings): Proxy {
  return { settings, relay: undefined, stats: new ServerStats(), base: [] };
}

async function close(proxy: Proxy): Promise<void> {
  const { relay } = proxy;
  proxy.relay = undefined;
  await relay?.[Symbol.asyncDispose]();
}

/** Upstream first, like Toxiproxy. */
function inOrder(toxics: readonly Toxic[]): Toxic[] {
  const rank = ({ stream }: Toxic) => stream.toLowerCase() === "upstream" ? 0 : 1;
  return toxics.toSorted((a, b) => rank(a) - rank(b));
}

function faultsOf({ toxics }: ProxySettings): Fault[] {
  return toxics.map(faultOf);
}

function isSame(a: Fault, b: Fault): boolean {
  return JSON.stringify([a, a.type.name]) === JSON.stringify([b, b.type.name]);
}

/** @throws {ApiError} 400: an endpoint cannot be parsed, a name is duplicated, or a toxic is invalid. */
function checkSettings(settings: ProxySettings): void {
  const names = settings.toxics.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new ApiError(409, "toxic already exists");
  try {
    if (!Number.isInteger(settings.seed)) throw new SyntaxError("the seed must be a whole number");
    assertUsable(faultsOf(settings), parseEndpoint(settings.listen), targetsIn(settings.upstream));
  } catch (error) {
    throw error instanceof ApiError ? error : badBody(error);
  }
}

function differs(before: ProxySettings, after: ProxySettings): boolean {
  const key = ({ listen, upstream, seed, toxics }: ProxySettings) =>
    JSON.stringify([formatEndpoint(parseEndpoint(listen)), upstream, seed, toxics]);
  return key(before) !== key(after);
}

/** Comma-separated. */
function targetsIn(upstream: string): Endpoint[] {
  return upstream.split(",").map((text) => parseEndpoint(text));
}

/** TCP without its scheme, like Toxiproxy. */
function shortText(endpoint: Endpoint): string {
  return endpoint.scheme === "tcp" ? formatHostPort(endpoint.host, endpoint.port) : formatEndpoint(endpoint);
}
