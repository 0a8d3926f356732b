import { messageOf } from "../../base/errors.ts";
import type { FlagValues } from "../../base/flag_spec.ts";
import type { ReloadSignal } from "../../cli/reload_signal.ts";
import { AccessList, type AccessRules, parseAccessRules } from "../../guard/access_list.ts";
import type { Gate } from "../../guard/gate.ts";
import { gatesOf } from "../../guard/gates.ts";
import type { Logger } from "../../log/logger.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import type { SHARED_FLAGS } from "./shared_flags.ts";

type SharedFlags = FlagValues<typeof SHARED_FLAGS>;

/** The gates that the flags ask for: the access list first, then the limits by address. */
export async function gateOf(
  flags: SharedFlags,
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<Gate> {
  let access: AccessList | undefined;
  if (flags.allow.length > 0 || flags.deny.length > 0 || flags.accessFile !== undefined) {
    const list = access = new AccessList(await rulesOf(flags, log));
    if (flags.accessFile !== undefined) reload.add(() => reloadRules(list, flags, log));
  }
  const { connectRate, maxPerIp: maxPerAddress, limitLoopback: limitsLoopback } = flags;
  return gatesOf({ access, connectRate, maxPerAddress, limitsLoopback });
}

async function rulesOf({ allow, deny, accessFile }: SharedFlags, log: Logger): Promise<AccessRules> {
  if (accessFile === undefined) return { allow, deny };
  const rules = parseAccessRules(await readNamedFile(accessFile, "the ranges of --access-file"), accessFile);
  if (rules.allow.length + rules.deny.length === 0) {
    log.warning("the file of --access-file has no range and restricts no one", { file: accessFile });
  }
  return { allow: [...allow, ...rules.allow], deny: [...deny, ...rules.deny] };
}

async function reloadRules(list: AccessList, flags: SharedFlags, log: Logger): Promise<void> {
  try {
    list.replace(await rulesOf(flags, log));
    log.info("address ranges read again", { file: flags.accessFile });
  } catch (error) {
    log.error("the address ranges are kept as they were", { error: messageOf(error) });
  }
}
