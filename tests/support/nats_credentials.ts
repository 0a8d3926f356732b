import { nkeys } from "@nats-io/transport-node";

/** What a nats-server that knows people by signed names needs, and a file for one of them. */
interface NatsCredentials {
  /** Lines of its configuration. */
  readonly config: string;
  /** A credentials file that it accepts. */
  readonly creds: string;
  /** One of a user that it does not know. */
  readonly strangerCreds: string;
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** Makes an operator, an account with JetStream and a user, each with keys of its own. */
export function createCredentials(): NatsCredentials {
  const operator = nkeys.createOperator();
  const [system, account, other] = [nkeys.createAccount(), nkeys.createAccount(), nkeys.createAccount()];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const operatorToken = sign(operator, operator, "operator", {});
  const systemToken = sign(system, operator, "account", { limits });
  const accountToken = sign(account, operator, "account", { limits: { ...limits, ...storage } });
  return {
    config: `
      operator: ${operatorToken}
      resolver: MEMORY
      resolver_preload: { ${system.getPublicKey()}: ${systemToken}, ${account.getPublicKey()}: ${accountToken} }
      system_account: ${system.getPublicKey()}
    `,
    creds: credsOf(account),
    strangerCreds: credsOf(other),
  };
}

function credsOf(account: KeyPair): string {
  const user = nkeys.createUser();
  const token = sign(user, account, "user", { subs: -1, data: -1, payload: -1 });
  const seed = new TextDecoder().decode(user.getSeed());
  return `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

/** A JSON web token as NATS has them: https://docs.nats.io, "JWT authentication". */
function sign(subject: KeyPair, issuer: KeyPair, type: string, claims: Readonly<Record<string, unknown>>): string {
  const payload = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: type,
    nats: { ...claims, type, version: 2 },
  };
  const body = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(payload)}`;
  const signature = issuer.sign(new TextEncoder().encode(body));
  return `${body}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

function encode(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
