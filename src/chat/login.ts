import { formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";
import type { Identity } from "../guard/authenticator.ts";
import { ChatError } from "./chat_error.ts";
import { cleanText } from "./clean_text.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { keyOf } from "./names.ts";

/** Prefix of the role of a room operator: `operator:#dev`. */
const ROOM_OPERATOR = "operator:";

/**
 * Logs a member in, with the rights of its name.
 *
 * @throws {ChatError} The name or the password is wrong, or the server has no login.
 */
export async function login(hub: Hub, member: Member, name: string, password: string): Promise<void> {
  const { authenticator } = hub;
  if (authenticator === undefined) {
    throw new ChatError("login-failed", "This server does not use login (it runs without --auth)");
  }
  if (member.isAdmitted) throw new ChatError("login-failed", `You are already logged in as ${member.nick}`);
  const { remote } = member.session;
  const address = isHostEndpoint(remote) ? remote.host : formatEndpoint(remote);
  const identity = await authenticator.verify(name.normalize("NFKC"), password, address);
  if (member.isGone) return;
  if (identity === undefined) {
    const tried = cleanText(name.slice(0, 64));
    hub.log.warning("log-in failed", { name: tried, address, connection: member.session.id });
    throw new ChatError("login-failed", "Wrong name or password");
  }
  await admitAs(hub, member, identity);
  hub.log.info("logged in", { name: identity.name, connection: member.session.id });
}

/**
 * Admits an authenticated member, with the rights of its name.
 *
 * @throws {ChatError} The name is banned or invalid.
 */
export async function admitAs(hub: Hub, member: Member, identity: Identity): Promise<void> {
  if (!identity.roles.includes("operator")) hub.serverBans.check(member, identity.name);
  member.login = identity.name;
  member.isServerOperator = identity.roles.includes("operator");
  member.operatorOf = new Set(
    identity.roles.filter((role) => role.startsWith(ROOM_OPERATOR)).map((role) =>
      keyOf(role.slice(ROOM_OPERATOR.length))
    ),
  );
  await hub.admit(member, identity.name);
}
