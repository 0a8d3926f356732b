import type { ChatEvent, Person, RoomSummary } from "./event.ts";
import type { Member } from "./member.ts";
import type { Room } from "./room.ts";

/** Someone on another server of the cluster. */
export interface Remote {
  /** Names the connection in the whole cluster. */
  readonly id: string;
  /** Names the server that it is connected to. */
  readonly server: string;
  readonly nick: string;
  readonly login: string | undefined;
  readonly address: string | undefined;
  readonly isServerOperator: boolean;
  /** Rooms by key, as they are called there; whether it is an operator of each. */
  readonly rooms: ReadonlyMap<string, { readonly name: string; readonly isOperator: boolean }>;
}

/** What a {@linkcode Directory} tells the hub that it belongs to. */
export interface DirectoryEvents {
  /** Something happened to someone on another server: each member here that is in one of the rooms receives it once. */
  onNews(roomKeys: Iterable<string>, event: ChatEvent): void;
  /** Everyone receives it. */
  onAnnouncement(event: ChatEvent): void;
  /** An operator with a claim is no longer connected to another server, or that server is lost. */
  onClaimLeft(claim: string, roomKeys: readonly string[]): void;
  /** Someone with a claim is in these rooms on another server. */
  onClaimUsed(claim: string, roomKeys: readonly string[]): void;
  /** While this server was cut off, someone on another one took the name of a member here. */
  onNameLost(member: Member): void;
}

/** Everyone who is connected, and where they are: on this server, and on the others of its cluster. */
export interface Directory extends AsyncDisposable {
  /** Who is connected to this server. */
  readonly members: Iterable<Member>;
  /** How many that are. */
  readonly size: number;
  /** Starts to tell what happens on other servers. */
  watch(events: DirectoryEvents): void;
  /** What someone who comes is called. */
  newcomer(): { readonly id: string; readonly nick: string };
  /** Someone came, under the name of {@linkcode newcomer}. */
  add(member: Member): void;
  /** Who has a name, in whatever case. */
  find(nick: string): Member | Remote | undefined;
  /**
   * Gives a member a name that is free.
   *
   * @throws {ChatError} The name is taken, or whether it is free cannot be determined now.
   */
  rename(member: Member, nick: string): void | Promise<void>;
  /** A member has entered a room; the result is whether it is empty on every other server. */
  enter(member: Member, room: Room): boolean | Promise<boolean>;
  /** A member has left a room. */
  leave(member: Member, room: Room, reason: string | undefined): void;
  /** What a member may do has changed. */
  update(member: Member): void;
  /** A member is gone; its rooms are those it was in. */
  remove(member: Member, reason: string | undefined): void;
  /** Who is in a room on other servers. */
  elsewhere(roomKey: string): Person[];
  /** Whether an operator of a room on another server has the claim. */
  hasClaimElsewhere(claim: string, roomKey: string): boolean;
  /** Rooms that someone on another server is in; members are those on other servers. */
  roomsElsewhere(): RoomSummary[];
  /**
   * Says something to one person on another server.
   *
   * @throws {ChatError} It did not arrive.
   */
  tell(remote: Remote, event: ChatEvent): Promise<void>;
  /**
   * Says something to everyone on other servers.
   *
   * @throws {ChatError} No server can be reached now.
   */
  announce(event: ChatEvent): void | Promise<void>;
}
