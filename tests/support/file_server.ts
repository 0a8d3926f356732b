/** Serves the files of a folder by HTTP on a free port, for as long as it is not disposed of. */
export function serveFolder(folder: string): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    try {
      const file = await Deno.open(`${folder}${path}`);
      return new Response(file.readable, { headers: { "content-type": typeOf(path) } });
    } catch {
      // Does not exist, as far as a client can see.
      return new Response("not found", { status: 404 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function typeOf(path: string): string {
  if (path.endsWith(".ts")) return "application/typescript";
  if (path.endsWith(".js")) return "text/javascript";
  return "application/octet-stream";
}
