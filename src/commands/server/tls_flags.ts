import { messageOf, UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import type { ReloadSignal } from "../../cli/reload_signal.ts";
import type { Logger } from "../../log/logger.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import type { TlsServerContext, TlsServerOptions } from "../../net/layers/tls_server.ts";
import { readNamedFile } from "../../base/read_named_file.ts";

/** TLS flags of all services. */
export const SERVER_TLS_FLAGS = inGroup(
  "TLS",
  {
    tlsCert: {
      type: "text",
      placeholder: "FILE",
      help: "certificate chain (PEM) for tls and wss; SIGHUP reloads it",
    },
    tlsKey: { type: "text", placeholder: "FILE", help: "private key of --tls-cert (PEM)" },
    tlsClientCa: {
      type: "text",
      placeholder: "FILE",
      help: "require a client certificate signed by one in FILE (PEM)",
    },
    alpn: {
      type: "text",
      repeat: true,
      placeholder: "NAME",
      help: "application protocol to negotiate, in order of preference",
    },
    handshakeTimeout: { type: "duration", default: "5s", help: "maximum time for the TLS handshake" },
  } as const satisfies FlagTable,
);

type TlsFlags = FlagValues<typeof SERVER_TLS_FLAGS>;

/**
 * Reads and validates the certificate before anything listens; `undefined` if no endpoint needs one. Reloaded on each
 * `reload`.
 *
 * @throws {UsageError} Flags or files are missing.
 * @throws {SyntaxError} A file is not PEM.
 * @throws {RangeError} The key does not belong to the certificate.
 * @throws {TlsError} The certificate is not valid now.
 * @throws {PermissionError} The sandbox does not allow reading a file.
 */
export async function tlsContextOf(
  flags: TlsFlags,
  endpoints: readonly string[],
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<TlsServerContext | undefined> {
  const secured = endpoints.find((endpoint) => ["tls", "wss"].includes(parseEndpoint(endpoint).scheme));
  const { tlsCert, tlsKey } = flags;
  if (secured === undefined) {
    const given = (["tls-cert", "tls-key", "tls-client-ca", "alpn"] as const)
      .find((_, index) => [tlsCert, tlsKey, flags.tlsClientCa, flags.alpn[0]][index] !== undefined);
    if (given !== undefined) throw new UsageError(`--${given} requires a tls:// or wss:// endpoint`);
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError(`${secured} needs --tls-cert FILE and --tls-key FILE`);
  }
  const files = { cert: tlsCert, key: tlsKey, clientCa: flags.tlsClientCa };
  const { TlsServerContext } = await import("../../net/layers/tls_server.ts");
  const context = new TlsServerContext(await readFiles(files, flags.alpn));
  logCertificate(context, log);
  reload.add(async () => {
    try {
      context.replace(await readFiles(files, flags.alpn));
      logCertificate(context, log);
    } catch (error) {
      log.error("cannot reload the certificate; keeping the old one", { error: messageOf(error) });
    }
  });
  return context;
}

async function readFiles(
  files: { cert: string; key: string; clientCa: string | undefined },
  alpn: readonly string[],
): Promise<TlsServerOptions> {
  return {
    cert: await readNamedFile(files.cert, "the certificate"),
    key: await readNamedFile(files.key, "the private key"),
    clientCa: files.clientCa === undefined
      ? undefined
      : await readNamedFile(files.clientCa, "the CA certificates of clients"),
    alpn,
    names: {
      cert: `the certificate ${files.cert}`,
      key: `the private key ${files.key}`,
      clientCa: `the CA certificates of clients ${files.clientCa}`,
    },
  };
}

function logCertificate({ certificate }: TlsServerContext, log: Logger): void {
  const { subject, names, validTo } = certificate;
  log.info("certificate in use", { subject, names: names.join(","), until: validTo.toISOString() });
}
