import { messageOf, toError } from "../../base/errors.ts";
import { isIp, isSameIp, plainIp, targetAddress } from "../../base/ip.ts";
import { BoundedSender } from "../../datagram/bounded_sender.ts";
import { DatagramCounts } from "../../datagram/counts.ts";
import { bind } from "../../factory.ts";
import { encodeSocksDatagram, parseSocksDatagram, type SocksAddress } from "../../framing/socks.ts";
import type { Connection } from "../../net/connection.ts";
import type { Datagram, DatagramSocket } from "../../net/datagram.ts";
import { formatHostPort, type HostEndpoint, isHostEndpoint } from "../../net/endpoint.ts";
import type { BindOptions } from "../../net/options.ts";
import { resolve } from "../../net/resolve.ts";
import { pause } from "../../net/wait.ts";
import type { TargetList } from "./target_list.ts";

/** Maximum targets of an association that may reply, and maximum cached names. */
const MAX_TARGETS = 1_024;
/** Maximum names that are resolved at a time; datagrams to further names are dropped. */
const MAX_RESOLVING = 16;
/** Pause after a failure to open a socket, so that datagrams do not make the server try in a loop. */
const REOPEN_MS = 1_000;

/** Options of {@linkcode UdpAssociation}. */
export interface UdpAssociationOptions {
  /** Allowed targets. */
  readonly targets: TargetList;
  /** Maximum time to resolve a name. */
  readonly resolveTimeoutMs: number;
  /** The client's port; 0 to use the port of its first datagram. */
  readonly port: number;
  /** Called when the association has ended. */
  readonly onEnd: () => void;
  /** Resolves names; tests pass another. */
  readonly resolve?: typeof resolve;
  /** Binds sockets; tests pass another. */
  readonly bind?: (endpoint: HostEndpoint, options: BindOptions) => Promise<DatagramSocket>;
}

/** Relays the datagrams of one client (RFC 1928, section 7) until its connection ends. */
export class UdpAssociation implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #options: UdpAssociationOptions;
  /** Socket for the client. */
  readonly #front: DatagramSocket;
  readonly #toClient: BoundedSender;
  readonly #counts = { toTargets: new DatagramCounts(), toClient: new DatagramCounts() };
  /** A socket for each address family, opened for its first datagram. */
  readonly #backs = new Map<boolean, Promise<BoundedSender>>();
  readonly #sockets = new Set<DatagramSocket>();
  readonly #receiving: Promise<void>[] = [];
  /** Targets that may reply, the most recently used one last. */
  readonly #replying = new Set<string>();
  readonly #addresses = new Map<string, string | undefined>();
  readonly #ending = new AbortController();
  #resolving = 0;
  #clientPort: number;

  private constructor(connection: Connection, front: DatagramSocket, options: UdpAssociationOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#clientPort = options.port;
    this.#front = front;
    this.#toClient = new BoundedSender(front, this.#counts.toClient);
  }

  /** Binds a port at the local address of the client's connection. */
  static async open(connection: Connection, options: UdpAssociationOptions): Promise<UdpAssociation> {
    const { local } = connection;
    const host = isHostEndpoint(local) ? plainIp(local.host) : "";
    const front = await bindTo(host, options);
    return new UdpAssociation(connection, front, options);
  }

  /** The endpoint for the client's datagrams. */
  get relay(): SocksAddress {
    const { endpoint } = this.#front;
    return isHostEndpoint(endpoint) ? endpoint : { host: "0.0.0.0", port: 0 };
  }

  /** Relays until the connection ends. */
  async run(): Promise<void> {
    this.#receiving.push(this.#receiveFrom(this.#front, (datagram) => this.#fromClient(datagram)));
    for (let bytes = await this.#read(); bytes !== null;) bytes = await this.#read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#front.close();
    await Promise.allSettled(this.#backs.values());
    for (const socket of this.#sockets) socket.close();
    await Promise.all(this.#receiving);
    const { toTargets, toClient } = this.#counts;
    this.#connection.log.debug("association ended", { ...toTargets.toFields(), ...toClient.toFields("replies_") });
    this.#options.onEnd();
  }

  /** Waits for the end of the connection; data on it has no meaning. */
  async #read(): Promise<Uint8Array | null> {
    try {
      return await this.#connection.read();
    } catch (error) {
      this.#connection.log.debug("connection of the association failed", { error: messageOf(error) });
      return null;
    }
  }

  async #receiveFrom(socket: DatagramSocket, take: (datagram: Datagram) => void): Promise<void> {
    try {
      for await (const datagram of socket) take(datagram);
    } catch (error) {
      this.#connection.close("error", toError(error));
    }
  }

  #fromClient({ data, from }: Datagram): void {
    const { remote } = this.#connection;
    const counts = this.#counts.toTargets;
    counts.received++;
    counts.receivedBytes += data.length;
    if (from === null || !isHostEndpoint(from) || !isHostEndpoint(remote) || !isSameIp(from.host, remote.host)) {
      return counts.drop("unexpected sender");
    }
    if (this.#clientPort === 0) this.#clientPort = from.port;
    if (from.port !== this.#clientPort) return counts.drop("unexpected sender");
    this.#connection.touch();
    const parsed = parseSocksDatagram(data);
    if (parsed === undefined) return counts.drop("malformed");
    if (parsed.fragment !== 0) return counts.drop("fragment");
    // Copied, because the next datagram overwrites the buffer.
    void this.#forward(parsed.address, parsed.data.slice()).catch((error: unknown) => {
      counts.drop("send failed");
      this.#connection.log.debug("datagram not relayed", { error: messageOf(error) });
    });
  }

  async #forward({ host, port }: SocksAddress, data: Uint8Array): Promise<void> {
    const { targets } = this.#options;
    const counts = this.#counts.toTargets;
    if (targets.isDenied(host)) return counts.drop("denied");
    const address = isIp(host) ? targetOf(host) : await this.#resolve(host);
    if (this.#ending.signal.aborted) return;
    if (address === undefined) return counts.drop("no address");
    if (port === 0 || !targets.isAllowed(host, address)) return counts.drop("denied");
    const isV6 = address.includes(":");
    const sender = await this.#backOf(isV6);
    const key = formatHostPort(address, port);
    this.#replying.delete(key);
    this.#replying.add(key);
    if (this.#replying.size > MAX_TARGETS) this.#replying.delete(this.#replying.values().next().value ?? "");
    sender.send(data, { scheme: "udp", host: address, port, path: "/" });
  }

  #backOf(isV6: boolean): Promise<BoundedSender> {
    const known = this.#backs.get(isV6);
    if (known !== undefined) return known;
    const opening = this.#openBack(isV6);
    this.#backs.set(isV6, opening);
    void opening.catch(async () => {
      await pause(REOPEN_MS, this.#ending.signal);
      this.#backs.delete(isV6);
    });
    return opening;
  }

  async #openBack(isV6: boolean): Promise<BoundedSender> {
    const socket = await bindTo(isV6 ? "::" : "0.0.0.0", this.#options);
    this.#sockets.add(socket);
    this.#receiving.push(this.#receiveFrom(socket, (datagram) => this.#fromTarget(datagram)));
    return new BoundedSender(socket, this.#counts.toTargets);
  }

  #fromTarget({ data, from }: Datagram): void {
    const counts = this.#counts.toClient;
    counts.received++;
    counts.receivedBytes += data.length;
    if (from === null || !isHostEndpoint(from)) return counts.drop("unexpected sender");
    // Only targets that the client has sent to may reply.
    if (!this.#replying.has(formatHostPort(plainIp(from.host), from.port))) return counts.drop("unexpected sender");
    const { remote } = this.#connection;
    if (!isHostEndpoint(remote)) return;
    this.#connection.touch();
    const to: HostEndpoint = { scheme: "udp", host: remote.host, port: this.#clientPort, path: "/" };
    this.#toClient.send(encodeSocksDatagram(from, data), to);
  }

  /** Resolves an allowed target. Each name is resolved once per association. */
  async #resolve(name: string): Promise<string | undefined> {
    if (this.#addresses.has(name)) return this.#addresses.get(name);
    if (this.#resolving >= MAX_RESOLVING || this.#addresses.size >= MAX_TARGETS) return undefined;
    this.#resolving++;
    try {
      const { resolveTimeoutMs: timeoutMs, targets } = this.#options;
      const addresses = await (this.#options.resolve ?? resolve)(name, {
        timeout: timeoutMs,
        signal: this.#ending.signal,
      });
      const found = addresses.map(({ address }) => targetOf(address));
      this.#addresses.set(name, found.find((address) => targets.isAllowed(name, address)) ?? found[0]);
      return this.#addresses.get(name);
    } finally {
      this.#resolving--;
    }
  }
}

/** The effective address: the kernel sends datagrams for 0.0.0.0 and :: to this machine. */
function targetOf(address: string): string {
  return plainIp(targetAddress(address));
}

function bindTo(host: string, options: UdpAssociationOptions): Promise<DatagramSocket> {
  const endpoint: HostEndpoint = { scheme: "udp", host, port: 0, path: "/" };
  return (options.bind ?? bind)(endpoint, { context: "proxy", boundLogLevel: "debug" });
}
