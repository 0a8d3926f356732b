/**
 * Socket options that Deno's API lacks, through the C library (Linux, macOS). Requires `--allow-ffi`; the library is
 * loaded on first use.
 *
 * @module
 */

import { type Duration, parseDuration } from "../../base/units.ts";
import { ParleyError, UsageError } from "../../base/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { DescriptorFinder, type SocketEnds } from "./find_descriptor.ts";
import { type Libc, openLibc } from "./libc.ts";
import { type OptionName, socketConstants } from "./socket_constants.ts";
import { readTcpInfo, TCP_INFO_BYTES, type TcpInfo } from "./tcp_info.ts";

/** TCP keep-alive (RFC 9293, section 3.8.4). */
export interface KeepAlive {
  /** Idle seconds before the first probe. */
  readonly idle: number;
  /** Seconds between probes. */
  readonly interval: number;
  /** Unanswered probes after which the connection is dead. */
  readonly count: number;
}

/** The options to set; others stay unchanged. */
export interface SocketOptionValues {
  /** Receive buffer in bytes. Linux doubles the value, socket(7), and caps it at `net.core.rmem_max`. */
  readonly receiveBuffer?: number | undefined;
  /** Send buffer in bytes. Linux doubles the value and caps it at `net.core.wmem_max`. */
  readonly sendBuffer?: number | undefined;
  /** Keep-alive probes; `false` disables them. */
  readonly keepAlive?: KeepAlive | false | undefined;
  /** How long sent data may stay unacknowledged (RFC 5482; Linux). */
  readonly userTimeout?: Duration | undefined;
  /**
   * Seconds that a close waits for unsent data; `false` disables it. 0 makes every close a reset; it is an option of
   * `connect()` and `listen()` only and requires no permission.
   */
  readonly linger?: number | false | undefined;
  /** Congestion control algorithm, such as `cubic` (Linux). */
  readonly congestion?: string | undefined;
  /** Type of service, or traffic class over IPv6: 0 to 255 (RFC 2474). */
  readonly typeOfService?: number | undefined;
  /** Hop limit of datagrams to IPv6 groups: 0 to 255 (RFC 3493, section 5.2). */
  readonly multicastHops?: number | undefined;
  /** Index of the outgoing interface of datagrams to IPv6 groups (RFC 3493, section 5.2). */
  readonly multicastInterface?: number | undefined;
}

/** Effective options; `undefined` if the platform or the type of socket lacks one. */
export interface SocketOptionReport {
  /** SO_RCVBUF in bytes, as the kernel counts. */
  readonly receiveBuffer: number | undefined;
  /** SO_SNDBUF in bytes, as the kernel counts. */
  readonly sendBuffer: number | undefined;
  /** SO_KEEPALIVE and its times; `false` if it is off. */
  readonly keepAlive: KeepAlive | false | undefined;
  /** TCP_USER_TIMEOUT in milliseconds. */
  readonly userTimeout: number | undefined;
  /** SO_LINGER in seconds; `false` if it is off. */
  readonly linger: number | false | undefined;
  /** TCP_CONGESTION: the name of the algorithm. */
  readonly congestion: string | undefined;
  /** IP_TOS, or IPV6_TCLASS. */
  readonly typeOfService: number | undefined;
  /** SO_REUSEADDR. */
  readonly reuseAddress: boolean | undefined;
  /** TCP_NODELAY. */
  readonly noDelay: boolean | undefined;
}

/** A socket with options: a `Connection`, or a `DatagramSocket`. */
export type OptionSocket = SocketEnds | { readonly endpoint: Endpoint };

/** Reads and sets options of many sockets with one open C library. */
export interface SocketOptionsAccess extends Disposable {
  /** Reads the effective options. */
  get(socket: OptionSocket): SocketOptionReport;
  /** Sets the options in `values`; throws if the kernel rejects one. */
  set(socket: OptionSocket, values: SocketOptionValues): void;
  /** TCP statistics of the kernel (Linux); `undefined` elsewhere. */
  tcpInfo(socket: OptionSocket): TcpInfo | undefined;
}

/**
 * Opens the C library for socket options.
 *
 * @throws {PermissionError} `--allow-ffi` is missing.
 */
export function openSocketOptions(): SocketOptionsAccess {
  const libc = openLibc();
  const finder = new DescriptorFinder(libc);
  const descriptorOf = (socket: OptionSocket) =>
    finder.find("endpoint" in socket ? { local: socket.endpoint } : socket);
  return {
    get: (socket) => readOptions(new Descriptor(libc, descriptorOf(socket))),
    set: (socket, values) => writeOptions(new Descriptor(libc, descriptorOf(socket)), values),
    tcpInfo(socket) {
      const info = new Descriptor(libc, descriptorOf(socket)).read(socketConstants().tcpInfo, TCP_INFO_BYTES);
      return info && readTcpInfo(info);
    },
    [Symbol.dispose]: () => libc[Symbol.dispose](),
  };
}

/**
 * Reads the effective options of a socket.
 *
 * @throws {PermissionError} `--allow-ffi` is missing.
 * @throws {ParleyError} The socket's descriptor cannot be found.
 */
export function getSocketOptions(socket: OptionSocket): SocketOptionReport {
  using access = openSocketOptions();
  return access.get(socket);
}

/**
 * Sets options of a socket; {@linkcode getSocketOptions} returns the effective values.
 *
 * @throws {PermissionError} `--allow-ffi` is missing.
 * @throws {ParleyError} The socket's descriptor cannot be found, or the kernel rejects a value.
 */
export function setSocketOptions(socket: OptionSocket, values: SocketOptionValues): void {
  using access = openSocketOptions();
  access.set(socket, values);
}

/** `getsockopt` and `setsockopt` for one descriptor. */
class Descriptor {
  readonly #libc: Libc;
  readonly #fd: number;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** The option's bytes, or `undefined` if the platform or the socket lacks it. */
  read(name: OptionName | undefined, size: number): Uint8Array<ArrayBuffer> | undefined {
    if (name === undefined) return undefined;
    const value = new Uint8Array(size);
    const length = new Uint32Array([size]);
    const status = this.#libc.calls.getsockopt(this.#fd, name[0], name[1], value, new Uint8Array(length.buffer));
    return status === 0 ? value.subarray(0, length[0]) : undefined;
  }

  readNumber(name: OptionName | undefined): number | undefined {
    const value = this.read(name, 4);
    return value?.length === 4 ? new DataView(value.buffer).getInt32(0, LITTLE_ENDIAN) : undefined;
  }

  write(what: string, name: OptionName | undefined, value: Uint8Array<ArrayBuffer>): void {
    if (name === undefined) throw new ParleyError(`Cannot set ${what}: not supported on ${Deno.build.os}`);
    const status = this.#libc.calls.setsockopt(this.#fd, name[0], name[1], value, value.length);
    if (status !== 0) throw new UsageError(`Cannot set ${what}: the kernel rejected the value`);
  }

  writeNumber(what: string, name: OptionName | undefined, ...values: number[]): void {
    this.write(what, name, new Uint8Array(Int32Array.from(values).buffer));
  }
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function readOptions(descriptor: Descriptor): SocketOptionReport {
  const names = socketConstants();
  const flag = (name: OptionName | undefined) => {
    const value = descriptor.readNumber(name);
    return value === undefined ? undefined : value !== 0;
  };
  const congestion = descriptor.read(names.congestion, 16);
  return {
    receiveBuffer: descriptor.readNumber(names.receiveBuffer),
    sendBuffer: descriptor.readNumber(names.sendBuffer),
    keepAlive: readKeepAlive(descriptor),
    userTimeout: descriptor.readNumber(names.userTimeout),
    linger: readLinger(descriptor),
    congestion: congestion && new TextDecoder().decode(congestion).replace(/\0.*$/s, ""),
    typeOfService: descriptor.readNumber(names.typeOfService) ?? descriptor.readNumber(names.trafficClass),
    reuseAddress: flag(names.reuseAddress),
    noDelay: flag(names.noDelay),
  };
}

function readKeepAlive(descriptor: Descriptor): KeepAlive | false | undefined {
  const names = socketConstants();
  const isOn = descriptor.readNumber(names.keepAlive);
  const idle = descriptor.readNumber(names.keepAliveIdle);
  const interval = descriptor.readNumber(names.keepAliveInterval);
  const count = descriptor.readNumber(names.keepAliveCount);
  if (isOn === undefined || idle === undefined || interval === undefined || count === undefined) return undefined;
  return isOn === 0 ? false : { idle, interval, count };
}

/** `struct linger`: on or off, and the seconds. */
function readLinger(descriptor: Descriptor): number | false | undefined {
  const value = descriptor.read(socketConstants().linger, 8);
  if (value?.length !== 8) return undefined;
  const view = new DataView(value.buffer);
  return view.getInt32(0, LITTLE_ENDIAN) === 0 ? false : view.getInt32(4, LITTLE_ENDIAN);
}

function writeOptions(descriptor: Descriptor, values: SocketOptionValues): void {
  const names = socketConstants();
  const { receiveBuffer, sendBuffer, keepAlive, userTimeout, linger, congestion, typeOfService } = values;
  const { multicastHops, multicastInterface } = values;
  if (receiveBuffer !== undefined) descriptor.writeNumber("the receive buffer", names.receiveBuffer, receiveBuffer);
  if (sendBuffer !== undefined) descriptor.writeNumber("the send buffer", names.sendBuffer, sendBuffer);
  if (keepAlive !== undefined) writeKeepAlive(descriptor, keepAlive);
  if (userTimeout !== undefined) {
    descriptor.writeNumber("the user timeout", names.userTimeout, parseDuration(userTimeout));
  }
  if (linger === 0) {
    throw new UsageError("Cannot set lingering of an open connection to 0: it is an option of connect() and listen()");
  }
  if (linger !== undefined) {
    descriptor.writeNumber("lingering", names.linger, linger === false ? 0 : 1, linger === false ? 0 : linger);
  }
  if (congestion !== undefined) {
    descriptor.write("the congestion control", names.congestion, new TextEncoder().encode(congestion));
  }
  if (typeOfService !== undefined) writeTypeOfService(descriptor, typeOfService);
  if (multicastHops !== undefined) {
    descriptor.writeNumber("the hop limit of IPv6 groups", names.multicastHops, multicastHops);
  }
  if (multicastInterface !== undefined) {
    descriptor.writeNumber("the interface of IPv6 groups", names.multicastInterface, multicastInterface);
  }
}

function writeKeepAlive(descriptor: Descriptor, keepAlive: KeepAlive | false): void {
  const names = socketConstants();
  if (keepAlive !== false) {
    descriptor.writeNumber("keep-alive's idle time", names.keepAliveIdle, keepAlive.idle);
    descriptor.writeNumber("keep-alive's interval", names.keepAliveInterval, keepAlive.interval);
    descriptor.writeNumber("keep-alive's count", names.keepAliveCount, keepAlive.count);
  }
  descriptor.writeNumber("keep-alive", names.keepAlive, keepAlive === false ? 0 : 1);
}

function writeTypeOfService(descriptor: Descriptor, value: number): void {
  const names = socketConstants();
  const name = descriptor.readNumber(names.typeOfService) === undefined ? names.trafficClass : names.typeOfService;
  descriptor.writeNumber("the type of service", name, value);
}
