import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import type { ConnectOptions } from "../../net/options.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { START_TLS_PROTOCOLS } from "../../net/layers/start_tls.ts";
import type { TlsClientOptions } from "../../net/layers/tls_client.ts";
import { readNamedFile } from "../../base/read_named_file.ts";

/** Flags of client commands with TLS. */
export const TLS_FLAGS = inGroup(
  "TLS",
  {
    tlsCa: { type: "text", placeholder: "FILE", help: "trust the certificates in FILE (PEM) instead of the system's" },
    tlsName: { type: "text", placeholder: "NAME", help: "name that the server's certificate must be valid for (SNI)" },
    tlsInsecure: { type: "boolean", help: "accept ANY certificate; the peer can be anyone" },
    tlsCert: { type: "text", placeholder: "FILE", help: "client certificate (PEM)" },
    tlsKey: { type: "text", placeholder: "FILE", help: "private key of --tls-cert (PEM)" },
    alpn: {
      type: "text",
      repeat: true,
      placeholder: "NAME",
      help: "offer an application protocol, in order of preference",
    },
    handshakeTimeout: { type: "duration", default: "5s", help: "maximum time for the TLS handshake" },
  } as const satisfies FlagTable,
);

/** For commands that can start in plaintext. */
export const START_TLS_FLAGS = inGroup(
  "TLS",
  {
    starttls: { type: "choice", choices: START_TLS_PROTOCOLS, help: "start in plaintext, then upgrade to TLS" },
  } as const satisfies FlagTable,
);

type TlsFlags = FlagValues<typeof TLS_FLAGS> & Partial<FlagValues<typeof START_TLS_FLAGS>>;

/**
 * Reads the files and returns `connect()` options.
 *
 * @throws {UsageError} A file or a required flag is missing.
 * @throws {PermissionError} The sandbox forbids reading a file.
 */
export async function tlsConnectOptions(flags: TlsFlags): Promise<Pick<ConnectOptions, "tls" | "handshakeTimeout">> {
  const tls = await readTls({
    ca: flags.tlsCa,
    cert: flags.tlsCert,
    key: flags.tlsKey,
    insecure: flags.tlsInsecure,
    serverName: flags.tlsName,
    alpn: flags.alpn,
    startTls: flags.starttls,
  });
  return { tls, handshakeTimeout: flags.handshakeTimeout };
}

/**
 * Reads the files named by `ca`, `cert` and `key`. Throws like {@linkcode tlsConnectOptions}.
 *
 * @param prefix Prefix of the flags in messages.
 */
export async function readTls(settings: TlsClientOptions, prefix = "tls"): Promise<TlsClientOptions> {
  if ((settings.cert === undefined) !== (settings.key === undefined)) {
    throw new UsageError(`--${prefix}-cert and --${prefix}-key must be given together`);
  }
  if (settings.insecure && settings.ca !== undefined) {
    throw new UsageError(`--${prefix}-insecure and --${prefix}-ca cannot be combined`);
  }
  const read = async (path: string | undefined, what: string) =>
    path === undefined ? undefined : await readNamedFile(path, what);
  return {
    ...settings,
    ca: await read(settings.ca, "the CA certificates"),
    cert: await read(settings.cert, "the client certificate"),
    key: await read(settings.key, "the client's private key"),
  };
}

/** The endpoint to connect to: with `--starttls`, `tcp` becomes `tls`. */
export function tlsEndpoint(endpoint: Endpoint, flags: Pick<TlsFlags, "starttls">): Endpoint {
  if (flags.starttls === undefined || endpoint.scheme === "tls") return endpoint;
  if (endpoint.scheme === "tcp") return { ...endpoint, scheme: "tls" };
  throw new UsageError(`--starttls ${flags.starttls} needs a tcp or tls endpoint, not ${endpoint.scheme}`);
}
