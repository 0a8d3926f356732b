/** A currently unused port of the loopback interface. */
export function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The port of an endpoint. */
export function portOf(endpoint: string): number {
  return Number(/:(\d+)(?=\/|$)/.exec(endpoint)?.[1]);
}
