import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { Codec } from "../framing/codec.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import type { Logger } from "../log/logger.ts";
import type { Service } from "../server/service.ts";
import type { PingOptions } from "../websocket/pinger.ts";

/** What a service is given when it is made. */
export interface ServiceContext {
  /** Carries the service's context. */
  readonly log: Logger;
  /** Who may log in, where `--auth` asks for it. */
  readonly authenticator?: Authenticator | undefined;
  /** For the login to come, in milliseconds. */
  readonly logInTimeoutMs: number;
  /** How streams are cut into messages. */
  readonly codec?: Codec | undefined;
  /** When to ping clients, where the service's own protocol can; WebSocket sessions do it themselves. */
  readonly pings?: PingOptions | undefined;
  /** The words after `--`, of a service with {@linkcode ServiceDefinition.takesProgram}. */
  readonly program?: readonly string[] | undefined;
}

/** An entry of the registry: what `parley-server --help` shows of a service, and how to load the service itself. */
export interface ServiceEntry {
  /** Name: `parley-server NAME`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The first example in `--help`; the words after `parley-server`. */
  readonly example: ServiceExample;
  /** Imports the service's file. */
  load(): Promise<RegisteredService>;
}

/** An example in `--help`. */
export interface ServiceExample {
  readonly words: string;
  readonly does: string;
}

/** A service of `parley-server`: one file each, one entry in the registry. */
export interface ServiceDefinition<T extends FlagTable = FlagTable> {
  /** Endpoints where none are given. */
  readonly endpoints: readonly string[];
  /** Framing where none is given, as `--framing` says it; it may depend on the service's own flags. */
  readonly framing: string | ((flags: FlagValues<T>) => string);
  /**
   * Maximum bytes of a message, in framings that do not say it themselves.
   *
   * @default {4_096 of a line, 1 MiB of any other}
   */
  readonly maxMessageBytes?: number;
  /**
   * Whether `--framing` may change it; not where a standard says every byte.
   *
   * @default {true}
   */
  readonly takesFraming?: boolean;
  /**
   * Whether it asks for the login itself where there is an authenticator;
   * otherwise the first message of a client must be the login.
   *
   * @default {false}
   */
  readonly asksForLogIn?: boolean;
  /**
   * The words after `--` are the program that it runs; those of any other
   * service are a command that runs while it serves.
   *
   * @default {false}
   */
  readonly takesProgram?: boolean;
  /** Maximum clients at once where `--max-connections` is not given, if less than of other services. */
  readonly maxConnections?: number;
  /** Its clients have to do with each other: one thread must serve them all. */
  readonly sharesState?: boolean;
  /** Flags besides those that every service has. */
  readonly flags: T;
  /** More for `--help`: whole lines, each with its line end. */
  readonly notes?: string;
  /** More examples, besides that of the registry. */
  readonly examples?: readonly ServiceExample[];
  /** Makes one from the values of its flags. */
  create(flags: FlagValues<T>, context: ServiceContext): Service | Promise<Service>;
}

/** A service of any flags. */
export interface RegisteredService extends Omit<ServiceDefinition, "create" | "framing"> {
  framing(flags: Readonly<Record<string, unknown>>): string;
  create(flags: Readonly<Record<string, unknown>>, context: ServiceContext): Service | Promise<Service>;
}

/** Makes a registered service; the flags of its `create` are typed by its table. */
export function defineService<const T extends FlagTable>(definition: ServiceDefinition<T>): RegisteredService {
  const { framing } = definition;
  return {
    ...definition,
    // The command line makes the values from the same table, which is what gives them these types.
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
