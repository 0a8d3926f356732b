/** One socket option: its level and its name, as `setsockopt(2)` takes them. */
export type OptionName = readonly [level: number, name: number];

/** Linux, x86-64 and arm64: asm-generic/socket.h, linux/tcp.h, linux/in.h, linux/in6.h. */
const LINUX = {
  receiveBuffer: [1, 8],
  sendBuffer: [1, 7],
  keepAlive: [1, 9],
  keepAliveIdle: [6, 4],
  keepAliveInterval: [6, 5],
  keepAliveCount: [6, 6],
  reuseAddress: [1, 2],
  linger: [1, 13],
  noDelay: [6, 1],
  typeOfService: [0, 1],
  trafficClass: [41, 67],
  multicastHops: [41, 18],
  multicastInterface: [41, 17],
  userTimeout: [6, 18],
  congestion: [6, 13],
  tcpInfo: [6, 11],
} as const satisfies Readonly<Record<string, OptionName>>;

/** Option numbers of one platform; what it lacks is `undefined`. */
type SocketConstants = Readonly<Record<keyof typeof LINUX, OptionName | undefined>>;

/** macOS: sys/socket.h (SO_LINGER_SEC for seconds), netinet/tcp.h, netinet/in.h, netinet6/in6.h. */
const MACOS: SocketConstants = {
  receiveBuffer: [0xffff, 0x1002],
  sendBuffer: [0xffff, 0x1001],
  keepAlive: [0xffff, 0x0008],
  keepAliveIdle: [6, 0x10],
  keepAliveInterval: [6, 0x101],
  keepAliveCount: [6, 0x102],
  reuseAddress: [0xffff, 0x0004],
  linger: [0xffff, 0x1080],
  noDelay: [6, 1],
  typeOfService: [0, 3],
  trafficClass: [41, 36],
  multicastHops: [41, 10],
  multicastInterface: [41, 9],
  userTimeout: undefined,
  congestion: undefined,
  tcpInfo: undefined,
};

/** The numbers of the current system. */
export function socketConstants(os: typeof Deno.build.os = Deno.build.os): SocketConstants {
  return os === "darwin" ? MACOS : LINUX;
}
