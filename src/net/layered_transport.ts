import { TimeoutError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { Deadline } from "./deadline.ts";
import { formatEndpoint } from "./endpoint.ts";
import type { Dialer, Layer, Layered, Peer } from "./layer.ts";
import { resetOrClose, type Transport } from "./transport.ts";
import { abortable } from "./wait.ts";

/** The layers of a connection. */
export interface LayerSetup {
  /** From the lowest to the topmost. */
  readonly layers: readonly Layer[];
  /** For all handshakes together, in milliseconds. */
  readonly timeoutMs: number;
  /** Name of the peer in messages; by default its address. */
  readonly endpoint?: string;
}

/** A completed layer. */
export interface PutLayer extends Layered {
  /** Its transport is the topmost. */
  readonly isLast: boolean;
}

/** The connection that a {@linkcode LayeredTransport} belongs to. */
interface LayeredOwner {
  /** The two ends as currently known. */
  readonly peer: Peer;
  /** Called after each layer. */
  onLayered(layered: PutLayer): void;
}

/**
 * A transport with pending layers. {@linkcode handshake} or the first read or write runs them; from then on the
 * connection uses the topmost transport directly.
 */
export class LayeredTransport implements Transport {
  #top: Transport;
  readonly #bottom: Transport;
  readonly #setup: LayerSetup;
  readonly #owner: LayeredOwner;
  readonly #ending = new AbortController();
  readonly #countBeforeGate: number;
  #beforeGate: Promise<void> | undefined;
  #all: Promise<void> | undefined;
  #isClosed = false;

  /** Takes ownership of the transport. */
  constructor(bottom: Transport, setup: LayerSetup, owner: LayeredOwner) {
    this.#top = this.#bottom = bottom;
    this.#setup = setup;
    this.#owner = owner;
    this.#countBeforeGate = setup.layers.findLastIndex(({ replacesPeer }) => replacesPeer) + 1;
  }

  /** Whether a layer may still replace the peer's address. */
  get hidesPeer(): boolean {
    return this.#countBeforeGate > 0 && this.#beforeGate === undefined;
  }

  /** Runs the layers up to the last that may replace the peer's address; later calls return the same result. */
  identifyPeer(): Promise<void> {
    return this.#beforeGate ??= this.#run(this.#setup.layers.slice(0, this.#countBeforeGate));
  }

  /** Runs all layers; later calls return the same result. */
  handshake(): Promise<void> {
    return this.#all ??= this.identifyPeer().then(() => this.#run(this.#setup.layers.slice(this.#countBeforeGate)));
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    await this.handshake();
    return await this.#top.read(bytes);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.handshake();
    return await this.#top.write(bytes);
  }

  async closeWrite(): Promise<void> {
    await this.handshake();
    await this.#top.closeWrite();
  }

  close(): void {
    if (this.#end()) this.#top.close();
  }

  reset(): boolean {
    return this.#end() && resetOrClose(this.#top);
  }

  ref(): void {
    this.#bottom.ref?.();
  }

  unref(): void {
    this.#bottom.unref?.();
  }

  #end(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#ending.abort(new Deno.errors.NotConnected("the connection is closed"));
    return true;
  }

  async #run(layers: readonly Layer[]): Promise<void> {
    const deadline = new Deadline(this.#setup.timeoutMs, this.#ending.signal);
    for (const layer of layers) await this.#put(layer, deadline);
  }

  async #put(layer: Layer, deadline: Deadline): Promise<void> {
    this.#ending.signal.throwIfAborted();
    const { peer } = this.#owner;
    const timeoutMs = deadline.remainingMs;
    const wrapping = layer.wrap(this.#top, peer, { signal: this.#ending.signal, timeoutMs });
    try {
      const layered = await abortable(wrapping, deadline.wait(), () => this.#timeoutError(layer, peer));
      this.#top = layered.transport;
      this.#owner.onLayered({ ...layered, isLast: layer === this.#setup.layers.at(-1) });
    } catch (error) {
      // A layer that completes too late has no other owner.
      void wrapping.then(({ transport }) => transport.close(), () => {});
      this.#closeAfterFailure();
      throw error;
    }
  }

  #closeAfterFailure(): void {
    try {
      this.close();
    } catch (cause) {
      // BadResource means that the layer has closed it already, which it may.
      if (!(cause instanceof Deno.errors.BadResource)) throw cause;
    }
  }

  #timeoutError({ name }: Layer, { remote }: Peer): TimeoutError {
    const { timeoutMs, endpoint = formatEndpoint(remote) } = this.#setup;
    const message = `Cannot speak ${name} with ${endpoint}: no handshake within ${formatDuration(timeoutMs)}`;
    return new TimeoutError("handshake", message, { endpoint, afterMs: timeoutMs });
  }
}

/** Adds layers to another dialer; dialing includes their handshakes. */
export function layeredDialer(via: Dialer, setup: LayerSetup): Dialer {
  return {
    async dial(to, options) {
      const dialed = await via.dial(to, options);
      const peer = { ...dialed, log: options.log };
      const transport = new LayeredTransport(dialed.transport, setup, { peer, onLayered() {} });
      try {
        await abortable(transport.handshake(), { signal: options.signal });
        return { ...dialed, transport };
      } catch (error) {
        transport.close();
        throw error;
      }
    },
  };
}
