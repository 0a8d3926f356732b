import type { Example, FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { Codec } from "../framing/codec.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import type { Logger } from "../log/logger.ts";
import type { Service } from "../server/service.ts";
import type { PingOptions } from "../websocket/pinger.ts";

/** The context in which a service is created. */
interface ServiceContext {
  /** Logger with the service's context. */
  readonly log: Logger;
  /** Checks logins if `--auth` is given. */
  readonly authenticator?: Authenticator | undefined;
  /** Maximum time for the login, in milliseconds. */
  readonly logInTimeoutMs: number;
  /** Framing of streams. */
  readonly codec?: Codec | undefined;
  /** Ping intervals for services whose own protocol has pings; WebSocket sessions ping by themselves. */
  readonly pings?: PingOptions | undefined;
  /** The words after `--`, for a service with {@linkcode ServiceDefinition.takesProgram}. */
  readonly program?: readonly string[] | undefined;
}

/** An entry of the registry: the service's part of `parley-server --help`, and its loader. */
export interface ServiceEntry {
  /** The NAME in `parley-server NAME`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The first example in `--help`; the words after `parley-server`. */
  readonly example: Example;
  /** Imports the service's file. */
  load(): Promise<RegisteredService>;
}

/** A service of `parley-server`: one file each, one entry in the registry. */
interface ServiceDefinition<T extends FlagTable = FlagTable> {
  /** Default endpoints. */
  readonly endpoints: readonly string[];
  /** Default framing, as for `--framing`; it may depend on the service's own flags. */
  readonly framing: string | ((flags: FlagValues<T>) => string);
  /**
   * Maximum bytes of a message, unless the framing sets it.
   *
   * @default {4_096 of a line, 1 MiB of any other}
   */
  readonly maxMessageBytes?: number;
  /**
   * Whether `--framing` may change the framing; false for a service that implements a standard.
   *
   * @default {true}
   */
  readonly takesFraming?: boolean;
  /**
   * Whether the service handles logins itself; otherwise, with `--auth`, the first message of a client must be the
   * login.
   *
   * @default {false}
   */
  readonly asksForLogIn?: boolean;
  /**
   * Whether the words after `--` are the program that the service runs; for any other service they are a command that
   * runs while it serves.
   *
   * @default {false}
   */
  readonly takesProgram?: boolean;
  /** Default of `--max-connections`, if lower than that of other services. */
  readonly maxConnections?: number;
  /** Whether its clients share state, so that one thread must serve them all. */
  readonly sharesState?: boolean;
  /** Flags in addition to those of every service. */
  readonly flags: T;
  /** Further text for `--help`: whole lines, each with its line end. */
  readonly notes?: string;
  /** Examples in addition to that of the registry. */
  readonly examples?: readonly Example[];
  /** Creates the service from the values of its flags. */
  create(flags: FlagValues<T>, context: ServiceContext): Service | Promise<Service>;
}

/** A service as the registry holds it, whatever its flags. */
interface RegisteredService extends Omit<ServiceDefinition, "create" | "framing"> {
  framing(flags: Readonly<Record<string, unknown>>): string;
  create(flags: Readonly<Record<string, unknown>>, context: ServiceContext): Service | Promise<Service>;
}

/** Defines a service whose `create` takes flags of the types in its table. */
export function defineService<const T extends FlagTable>(definition: ServiceDefinition<T>): RegisteredService {
  const { framing } = definition;
  return {
    ...definition,
    // The command line parses the values by the same table.
    framing: (flags) => typeof framing === "string" ? framing : framing(flags as FlagValues<T>),
    create: (flags, context) => definition.create(flags as FlagValues<T>, context),
  };
}

/** A service with its name. */
export interface NamedService extends RegisteredService {
  readonly name: string;
}

/** Loads the service of an entry. */
export async function loadService({ name, load }: ServiceEntry): Promise<NamedService> {
  return { name, ...await load() };
}
