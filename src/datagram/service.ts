import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { Logger } from "../log/logger.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";

/** What a datagram server does with each datagram. */
export interface DatagramService {
  /**
   * Takes one datagram; what it returns is sent back as one datagram, nothing
   * where it returns `undefined`. The datagram's bytes may be returned as they
   * are; neither they nor the datagram may be kept after the call.
   */
  onDatagram(datagram: Datagram, socket: DatagramSocket): Uint8Array | undefined;
  /** Whether truncated datagrams are handed over too; otherwise they are dropped and counted. */
  readonly takesTruncated?: boolean;
  /** The server has ended: the last report. */
  [Symbol.dispose]?(): void;
}

/** What a datagram service is given when it is made. */
export interface DatagramServiceContext {
  /** Carries the service's context. */
  readonly log: Logger;
  /** Writes one line of data to standard output. */
  readonly print: (line: string) => void;
}

/** A service of `parley-udp serve`: one file each, one line in the registry. */
export interface DatagramServiceDefinition<T extends FlagTable = FlagTable> {
  /** As it is typed: `parley-udp serve NAME`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Flags beside those that every service has. */
  readonly flags: T;
  /** Makes one from the values of its flags. */
  create(flags: FlagValues<T>, context: DatagramServiceContext): DatagramService | Promise<DatagramService>;
}

/** A service of any flags, as the registry holds it. */
export interface RegisteredDatagramService extends Omit<DatagramServiceDefinition, "create"> {
  create(
    flags: Readonly<Record<string, unknown>>,
    context: DatagramServiceContext,
  ): DatagramService | Promise<DatagramService>;
}

/** Makes a registered service; the flags of its `create` are typed by its table. */
export function defineDatagramService<const T extends FlagTable>(
  definition: DatagramServiceDefinition<T>,
): RegisteredDatagramService {
  return {
    ...definition,
    // The command line makes the values from the same table, which is what gives them these types.
    create: (flags, context) => definition.create(flags as FlagValues<T>, context),
  };
}
