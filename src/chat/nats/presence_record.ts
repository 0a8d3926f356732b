import type { Remote } from "../directory.ts";
import { claimedRooms, type Member } from "../member.ts";
import { keyOf } from "../names.ts";
import type { StreamPosition } from "./news_queue.ts";

/** Someone who is connected to a server of the cluster, as it stands under its name. */
export interface PresenceRecord extends Remote {
  /** Of the secret that it joined with, if any. */
  readonly claim: string | undefined;
  /** Rooms that it is an operator of in its own right, by key, if it has a claim. */
  readonly claimedRooms: readonly string[];
  /** Why it left a room, by the room's key; only of rooms that it left just now. */
  readonly why: Readonly<Record<string, string>>;
  /** The messages that its server had told by then. */
  readonly after: StreamPosition | undefined;
}

/** A name that is free again. */
export interface Tombstone {
  /** Whose name it was. */
  readonly id: string;
  readonly why: string | undefined;
  /** The messages that its server had told by then. */
  readonly after: StreamPosition | undefined;
}

/** What stands under a name. */
export type Presence = { readonly person: PresenceRecord } | { readonly tombstone: Tombstone };

/** What is written of a member that is here. */
export function encodePerson(
  member: Member,
  as: { server: string; nick: string; why: ReadonlyMap<string, string>; after: StreamPosition },
): unknown {
  const { id, login, address, isServerOperator, claim } = member;
  const rooms = Array.from(member.rooms.values(), (room) => [room.name, room.mayModerate(member) ? 1 : 0]);
  return {
    id,
    server: as.server,
    nick: as.nick,
    login,
    address,
    operator: isServerOperator || undefined,
    claim,
    claimed: claim === undefined ? undefined : claimedRooms(member),
    rooms: Object.fromEntries(rooms),
    why: as.why.size > 0 ? Object.fromEntries(as.why) : undefined,
    after: [as.after.epoch, as.after.seq],
  };
}

/** What is written when a name becomes free. */
export function encodeTombstone({ id, why, after }: Tombstone): unknown {
  return { gone: id, why, after: after && [after.epoch, after.seq] };
}

/** What is under a name; `undefined` where it is nothing of ours. */
export function decodePresence(value: unknown): Presence | undefined {
  if (!isRecord(value)) return undefined;
  if (typeof value.gone === "string") {
    return { tombstone: { id: value.gone, why: textOf(value.why), after: positionOf(value.after) } };
  }
  const { id, server, nick, rooms } = value;
  if (typeof id !== "string" || typeof server !== "string" || typeof nick !== "string") return undefined;
  return {
    person: {
      id,
      server,
      nick,
      login: textOf(value.login),
      address: textOf(value.address),
      isServerOperator: value.operator === true,
      claim: textOf(value.claim),
      claimedRooms: Array.isArray(value.claimed) ? value.claimed.map(String) : [],
      rooms: new Map(
        Object.entries(isRecord(rooms) ? rooms : {}).map(([name, flag]) => [
          keyOf(name),
          { name, isOperator: flag === 1 },
        ]),
      ),
      why: Object.fromEntries(
        Object.entries(isRecord(value.why) ? value.why : {}).map(([room, why]) => [room, String(why)]),
      ),
      after: positionOf(value.after),
    },
  };
}

function positionOf(value: unknown): StreamPosition | undefined {
  if (!Array.isArray(value)) return undefined;
  const [epoch, seq]: unknown[] = value;
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
