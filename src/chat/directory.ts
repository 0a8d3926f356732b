import type { ChatEvent, Person, RoomSummary } from "./event.ts";
import type { Member } from "./member.ts";
import type { Newcomer } from "./participant.ts";
import type { Room } from "./room.ts";

/** A member on another server of the cluster. */
export interface Remote {
  /** ID of the connection, unique in the cluster. */
  readonly id: string;
  /** ID of its server. */
  readonly server: string;
  readonly nick: string;
  readonly login: string | undefined;
  readonly address: string | undefined;
  readonly isServerOperator: boolean;
  /** Rooms by key, with name and operator status. */
  readonly rooms: ReadonlyMap<string, { readonly name: string; readonly isOperator: boolean }>;
}

/** Callbacks of a {@linkcode Directory}. */
export interface DirectoryEvents {
  /** An event about a member on another server, to be sent once to each local member of one of the rooms. */
  onNews(roomKeys: Iterable<string>, event: ChatEvent): void;
  onAnnouncement(event: ChatEvent): void;
  /** An operator with a claim has disconnected from another server, or that server is offline. */
  onClaimLeft(claim: string, roomKeys: readonly string[]): void;
  /** A member with a claim is in these rooms on another server. */
  onClaimUsed(claim: string, roomKeys: readonly string[]): void;
  /** While this server was disconnected, a member of another server took a local member's name. */
  onNameLost(member: Member): void;
}

/** The connected members of this server and the others in its cluster, and their rooms. */
export interface Directory extends AsyncDisposable {
  /** The members of this server. */
  readonly members: Iterable<Member>;
  /** Their number. */
  readonly size: number;
  /** Starts to report events of other servers. */
  watch(events: DirectoryEvents): void;
  /** Returns a free name for a newcomer. */
  newcomer(): Newcomer;
  /** Adds a newcomer with the name from {@linkcode newcomer}. */
  add(member: Member): void;
  /** Finds a member by name, ignoring case. */
  find(nick: string): Member | Remote | undefined;
  /**
   * Gives a member a name that is free.
   *
   * @throws {ChatError} The name is taken, or its availability cannot be checked now.
   */
  rename(member: Member, nick: string): void | Promise<void>;
  /** Records that a member has entered a room; returns whether the room is empty on all other servers. */
  enter(member: Member, room: Room): boolean | Promise<boolean>;
  /** Records that a member has left a room. */
  leave(member: Member, room: Room, reason: string | undefined): void;
  /** Records a change of a member's rights. */
  update(member: Member): void;
  /** Removes a disconnected member, which was in these rooms. */
  remove(member: Member, reason: string | undefined): void;
  /** Members of a room on other servers. */
  elsewhere(roomKey: string): Person[];
  /** Whether the claim belongs to an operator of a room on another server. */
  hasClaimElsewhere(claim: string, roomKey: string): boolean;
  /** Rooms with members on other servers, and their members there. */
  roomsElsewhere(): RoomSummary[];
  /**
   * Sends a private message to another server.
   *
   * @throws {ChatError} The message was not delivered.
   */
  deliver(remote: Remote, event: ChatEvent): Promise<void>;
  /**
   * Sends an announcement to other servers.
   *
   * @throws {ChatError} No server can be reached now.
   */
  announce(event: ChatEvent): void | Promise<void>;
}
