/**
 * Whether this machine takes multicast on loopback: where the kernel refuses,
 * a test of it is skipped, with the reason in its name.
 *
 * @module
 */

/** Name and `ignore` of a test that needs an IPv4 group on loopback. */
export async function requireMulticast(name: string): Promise<{ name: string; ignore: boolean }> {
  const refusal = await refusalOfMulticast();
  return refusal === undefined ? { name, ignore: false } : { name: `${name} (skipped: ${refusal})`, ignore: true };
}

async function refusalOfMulticast(): Promise<string | undefined> {
  const group = "239.255.77.1";
  try {
    using sockets = new DisposableStack();
    const bind = (hostname: string) => {
      const options = { transport: "udp", hostname, port: 0, loopback: true } as const;
      return sockets.adopt(Deno.listenDatagram(options), (socket) => socket.close());
    };
    const [receiver, sender] = [bind("0.0.0.0"), bind("127.0.0.1")];
    await receiver.joinMulticastV4(group, "127.0.0.1");
    const port = "port" in receiver.addr ? receiver.addr.port : 0;
    await sender.send(Uint8Array.of(1), { transport: "udp", hostname: group, port });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve("loopback loses what is sent to a group"), 2_000);
    });
    const outcome = await Promise.race([receiver.receive().then(() => undefined, String), silence]);
    clearTimeout(timer);
    return outcome;
  } catch (error) {
    return `the system refuses multicast on loopback: ${error instanceof Error ? error.message : error}`;
  }
}
