import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { Logger } from "../log/logger.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";

/** Handles the datagrams of a server. */
export interface DatagramService {
  /**
   * Handles one datagram and returns the reply, if any. It may return the received bytes, but must not keep them or the
   * datagram after the call.
   */
  onDatagram(datagram: Datagram, socket: DatagramSocket): Uint8Array | undefined;
  /** Whether it also handles truncated datagrams; otherwise they are dropped and counted. */
  readonly takesTruncated?: boolean;
  /** Called when the server has ended. */
  [Symbol.dispose]?(): void;
}

/** The context in which a datagram service is created. */
interface DatagramServiceContext {
  /** Logger with the service's context. */
  readonly log: Logger;
  /** Writes one line of data to standard output. */
  readonly print: (line: string) => void;
}

/** A service of `parley-udp serve`. */
interface DatagramServiceDefinition<T extends FlagTable = FlagTable> {
  /** The NAME in `parley-udp serve NAME`. */
  readonly name: string;
  /** One line without a full stop. */
  readonly summary: string;
  /** Flags in addition to those of every service. */
  readonly flags: T;
  /** Creates the service from the values of its flags. */
  create(flags: FlagValues<T>, context: DatagramServiceContext): DatagramService | Promise<DatagramService>;
}

/** A service as the registry holds it, whatever its flags. */
export interface RegisteredDatagramService extends Omit<DatagramServiceDefinition, "create"> {
  create(
    flags: Readonly<Record<string, unknown>>,
    context: DatagramServiceContext,
  ): DatagramService | Promise<DatagramService>;
}

/** Defines a service whose `create` takes flags of the types in its table. */
export function defineDatagramService<const T extends FlagTable>(
  definition: DatagramServiceDefinition<T>,
): RegisteredDatagramService {
  return {
    ...definition,
    // The command line parses the values by the same table.
    create: (flags, context) => definition.create(flags as FlagValues<T>, context),
  };
}
