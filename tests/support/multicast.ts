/**
 * Whether this machine takes multicast on loopback: where the kernel refuses,
 * a test of it is skipped, with the reason in its name.
 *
 * @module
 */

/** Name and `ignore` of a test that needs an IPv4 group on loopback, or an IPv6 one where the system's route leads. */
export async function requireMulticast(
  name: string,
  group = "239.255.77.1",
): Promise<{ name: string; ignore: boolean }> {
  const refusal = await refusalOfMulticast(group);
  return refusal === undefined ? { name, ignore: false } : { name: `${name} (skipped: ${refusal})`, ignore: true };
}

async function refusalOfMulticast(group: string): Promise<string | undefined> {
  const isV6 = group.includes(":");
  try {
    using sockets = new DisposableStack();
    const bind = (hostname: string) => {
      const options = { transport: "udp", hostname, port: 0, loopback: true } as const;
      return sockets.adopt(Deno.listenDatagram(options), (socket) => socket.close());
    };
    const [receiver, sender] = isV6 ? [bind("::"), bind("::")] : [bind("0.0.0.0"), bind("127.0.0.1")];
    await (isV6 ? receiver.joinMulticastV6(group, 0) : receiver.joinMulticastV4(group, "127.0.0.1"));
    const port = "port" in receiver.addr ? receiver.addr.port : 0;
    await sender.send(Uint8Array.of(1), { transport: "udp", hostname: group, port });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve("what is sent to a group is lost"), 2_000);
    });
    const outcome = await Promise.race([receiver.receive().then(() => undefined, String), silence]);
    clearTimeout(timer);
    return outcome;
  } catch (error) {
    return `the system refuses multicast: ${error instanceof Error ? error.message : error}`;
  }
}
