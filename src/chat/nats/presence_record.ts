import { isRecord } from "../../base/json.ts";
import type { Remote } from "../directory.ts";
import { claimedRooms, type Member } from "../member.ts";
import { keyOf } from "../names.ts";
import type { StreamPosition } from "./news_queue.ts";

/** The record of a connected member, stored under its name. */
export interface PresenceRecord extends Remote {
  /** Claim key of its secret, if any. */
  readonly claim: string | undefined;
  /** Keys of rooms whose operator it is, if it has a claim. */
  readonly claimedRooms: readonly string[];
  /** Leave reasons by room key, only of rooms just left. */
  readonly why: Readonly<Record<string, string>>;
  /** The position of its server at that time. */
  readonly after: StreamPosition | undefined;
}

/** A tombstone: the name is free again. */
interface Tombstone {
  /** The former owner. */
  readonly id: string;
  readonly why: string | undefined;
  /** The position of its server at that time. */
  readonly after: StreamPosition | undefined;
}

/** A stored record. */
export type Presence = { readonly person: PresenceRecord } | { readonly tombstone: Tombstone };

/** Encodes the record of a local member. */
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

/** Encodes a tombstone. */
export function encodeTombstone({ id, why, after }: Tombstone): unknown {
  return { gone: id, why, after: after && [after.epoch, after.seq] };
}

/** Decodes a record; `undefined` if it is not one of Parley's. */
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

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
