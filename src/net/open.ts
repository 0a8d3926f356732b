/**
 * Opens the listening and datagram sockets of each transport. Everything specific to one transport is here;
 * `factory.ts` selects by scheme.
 *
 * @module
 */

import { NO_BYTES } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { isMulticast } from "../base/ip.ts";
import { ResolveError, UsageError } from "../base/errors.ts";
import { reasonOf, systemErrorKind } from "../base/system_error.ts";
import type { Logger } from "../log/logger.ts";
import { DatagramSocket } from "./datagram.ts";
import { formatEndpoint, formatHostPort, type HostEndpoint, type PathEndpoint } from "./endpoint.ts";
import { type Acceptor, Listener, type ListenerInit, mergeAcceptors } from "./listener.ts";
import { joinGroups, type MulticastSetup } from "./multicast.ts";
import { resolve } from "./resolve.ts";
import type { Resetter } from "./sockopt/resetter.ts";
import { toSocketError } from "./socket_error.ts";
import {
  clearStaleSocket,
  isAbstract,
  isStreamSocketLive,
  kernelPath,
  restrictSocket,
  SOCKET_MODE,
  SocketFile,
} from "./unix.ts";
import { requireUnstableNet } from "./unstable_net.ts";
import { UnixDatagramTransport } from "./unix_datagram_transport.ts";

/** How to listen. */
export interface ListenSetup extends Omit<ListenerInit, "endpoint"> {
  /** Opens TCP so that a connection can be reset, by the resetter if there is one. */
  canReset?: boolean | Resetter;
  backlog: number;
  /** Lets several processes listen on the port (Linux). */
  reusePort: boolean;
  /** Mode of a Unix socket's file. */
  mode: number;
}

/** Host name for an inherited socket, for example from systemd; the port is the descriptor. */
const DESCRIPTOR_HOST = "fd";

/** Listens on TCP. */
export async function listenTcp(endpoint: HostEndpoint, setup: ListenSetup): Promise<Listener> {
  const text = formatEndpoint(endpoint);
  const isInherited = endpoint.host === DESCRIPTOR_HOST;
  if (setup.reusePort && isInherited) {
    throw new UsageError(`Cannot listen on fd:${endpoint.port}: an inherited socket is shared by no other listener`);
  }
  if (setup.reusePort) requireUnstableNet(`share the port of ${text}`);
  if (isInherited) {
    const { ResettableAcceptor } = await import("./resettable_acceptor.ts");
    const acceptor = await ResettableAcceptor.adopt(endpoint.port);
    const { hostname: host, port } = acceptor.addr;
    return new Listener(acceptor, { ...setup, endpoint: { ...endpoint, host, port } });
  }
  const [first, ...others] = await resolve(endpoint.host);
  if (first === undefined) throw new ResolveError(`Cannot resolve "${endpoint.host}": the name has no address`);
  const acceptors: TcpAcceptor[] = [];
  try {
    const listener = await openAcceptor(first.address, endpoint.port, setup);
    acceptors.push(listener);
    const { port } = listener.addr;
    for (const { address } of others) await listenToo(address, port, acceptors, setup);
    return new Listener(mergeAcceptors(acceptors), { ...setup, endpoint: { ...endpoint, port } });
  } catch (error) {
    for (const acceptor of acceptors) acceptor.close();
    throw toSocketError(error, "listen on", text);
  }
}

/** An acceptor of TCP connections on one address. */
type TcpAcceptor = Acceptor & { readonly addr: Deno.NetAddr };

async function openAcceptor(host: string, port: number, setup: ListenSetup): Promise<TcpAcceptor> {
  const { canReset, backlog, reusePort } = setup;
  if (canReset === true) {
    const { ResettableAcceptor } = await import("./resettable_acceptor.ts");
    return await ResettableAcceptor.listen({ host, port, backlog, reusePort });
  }
  const listener = Deno.listen({ hostname: host, port, tcpBacklog: backlog, ...(reusePort ? { reusePort } : {}) });
  if (!canReset) return listener;
  return {
    addr: listener.addr,
    async accept() {
      const guess = canReset.guess();
      return canReset.adopt(await listener.accept(), guess);
    },
    close: () => listener.close(),
  };
}

/** A name may have an address that this machine lacks, such as `::1` without IPv6: listen on the others. */
async function listenToo(host: string, port: number, acceptors: TcpAcceptor[], setup: ListenSetup): Promise<void> {
  try {
    acceptors.push(await openAcceptor(host, port, setup));
  } catch (error) {
    if (systemErrorKind(error, "bind") !== "not available") throw error;
    setup.log.warning(`not listening on ${formatHostPort(host, port)}: ${reasonOf(error)}`);
  }
}

/** Listens on a Unix socket: replaces a stale file, refuses a live one, sets the mode. */
export async function listenUnix(endpoint: PathEndpoint, setup: ListenSetup): Promise<Listener> {
  const text = formatEndpoint(endpoint);
  try {
    if (isAbstract(endpoint.path)) {
      return new Listener(Deno.listen({ transport: "unix", path: kernelPath(endpoint.path) }), { ...setup, endpoint });
    }
    await clearStaleSocket(endpoint.path, text, isStreamSocketLive);
    using owner = new DisposableStack();
    const listener = owner.use(Deno.listen({ transport: "unix", path: endpoint.path }));
    await restrictSocket(endpoint.path, setup.mode);
    owner.move();
    const file = new SocketFile(endpoint.path);
    const acceptor = {
      accept: () => file.during(listener.accept()),
      close: () => file.close(() => listener.close()),
    };
    return new Listener(acceptor, { ...setup, endpoint });
  } catch (error) {
    throw toSocketError(error, "listen on", text);
  }
}

/** How to bind a datagram socket. */
export interface BindSetup {
  log: Logger;
  maxBytes: number;
  reuseAddress: boolean;
  loopback: boolean;
  mode: number;
  multicast: MulticastSetup;
}

/** Binds a UDP socket; binding to a multicast group joins it. */
export async function bindUdp(endpoint: HostEndpoint, setup: BindSetup): Promise<DatagramSocket> {
  requireUnstableNet(`bind ${formatEndpoint(endpoint)}`);
  const host = await numericHost(endpoint.host);
  const isGroup = isMulticast(host);
  let socket: Deno.DatagramConn | undefined;
  try {
    socket = Deno.listenDatagram({
      transport: "udp",
      hostname: isGroup && !canBindGroup(host) ? anyHost(host) : host,
      port: endpoint.port,
      reuseAddress: setup.reuseAddress || isGroup,
      loopback: setup.loopback,
    });
    const { multicast } = setup;
    await joinGroups(socket, isGroup ? { ...multicast, groups: [host, ...multicast.groups] } : multicast);
    return new DatagramSocket(socket, { ...setup, endpoint: { ...endpoint, port: portOf(socket.addr) } });
  } catch (error) {
    socket?.close();
    if (error instanceof SyntaxError || error instanceof RangeError) throw error;
    throw toSocketError(error, "bind", formatEndpoint(endpoint));
  }
}

/** Windows cannot bind to a group, and groups of narrow scope (RFC 4291, section 2.7) would need an interface. */
function canBindGroup(group: string): boolean {
  return Deno.build.os !== "windows" && !/^ff.[12]:/i.test(group);
}

/** The wildcard address of the host's family. */
function anyHost(host: string): string {
  return host.includes(":") ? "::" : "0.0.0.0";
}

/** Binds a Unix datagram socket, which Deno calls `unixpacket`. */
export async function bindUnixDatagram(endpoint: PathEndpoint, setup: BindSetup): Promise<DatagramSocket> {
  const text = formatEndpoint(endpoint);
  requireUnstableNet(`bind ${text}`);
  try {
    await clearStaleSocket(endpoint.path, text, isDatagramSocketLive);
    return new DatagramSocket(await UnixDatagramTransport.bind(endpoint.path, setup.mode), { ...setup, endpoint });
  } catch (error) {
    throw toSocketError(error, "bind", text);
  }
}

/** Datagram sockets cannot be connected to from Deno; an empty send fails if the port is closed. */
async function isDatagramSocketLive(path: string): Promise<boolean> {
  const probePath = `${path}.probe-${crypto.randomUUID().slice(0, 8)}`;
  const probe = Deno.listenDatagram({ transport: "unixpacket", path: probePath });
  try {
    await probe.send(NO_BYTES, { transport: "unixpacket", path });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  } finally {
    probe.close();
    await Deno.remove(probePath).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Uses the first address of a name: a socket is bound to one. */
async function numericHost(host: string): Promise<string> {
  return (await resolve(host))[0]?.address ?? host;
}

function portOf(address: Deno.Addr): number {
  return "port" in address ? address.port : 0;
}

/** How a datagram socket is bound unless something else is said. */
export const BIND_DEFAULTS = {
  maxBytes: DEFAULTS.datagramBytes,
  reuseAddress: false,
  loopback: true,
  mode: SOCKET_MODE,
  multicast: { groups: [], interface: undefined, ttl: undefined },
} as const;

export const LISTEN_DEFAULTS = { backlog: DEFAULTS.backlog, reusePort: false, mode: SOCKET_MODE } as const;
