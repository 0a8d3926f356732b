import type { ProbeTarget } from "./probe.ts";

const HTTP = ["http", "https", "etcd", "etcds", "consul", "consuls"];
const LOGIN = /^(?:amqps?|https?|etcds?|consuls?|ldaps?|mqtts?|mysql|mariadb|nats|postgres(?:ql)?|rediss?)$/;
const isSocket = ({ endpoint }: ProbeTarget) => endpoint !== undefined;
const isHttp = ({ scheme }: ProbeTarget) => HTTP.includes(scheme);
const isWebSocket = ({ scheme }: ProbeTarget) => /^ws/.test(scheme);
const isDatagram = ({ scheme }: ProbeTarget) => scheme === "udp" || scheme === "unixgram";
const hasTls = ({ isTls, query }: ProbeTarget) => isTls || (query.get("sslmode") ?? query.get("ssl-mode")) !== null;

/** The targets that each option applies to. */
const RULES: readonly { options: readonly string[]; to: (target: ProbeTarget) => boolean; needs: string }[] = [
  {
    options: ["tlsCa", "tlsName", "tlsInsecure", "tlsCert", "tlsKey", "alpn", "minDays", "minTls"],
    to: hasTls,
    needs: "TLS, such as tls://, https:// or rediss://",
  },
  { options: ["send", "banner"], to: isSocket, needs: "a socket, such as tcp:// or udp://" },
  { options: ["stableFor"], to: (target) => !isDatagram(target), needs: "a connection" },
  { options: ["subprotocol"], to: isWebSocket, needs: "ws:// or wss://" },
  {
    options: ["status", "header", "bearer", "cookie"],
    to: (target) => isWebSocket(target) || isHttp(target),
    needs: "http:// or ws://",
  },
  { options: ["method", "maxRedirects", "responseHeader"], to: isHttp, needs: "http:// or https://" },
  {
    options: ["body", "bodyRegex", "bodyJson"],
    to: (target) => isHttp(target) || target.scheme === "file",
    needs: "http://, https:// or file:",
  },
  { options: ["login"], to: ({ scheme }) => LOGIN.test(scheme), needs: "a protocol with a login, such as postgres://" },
];

/**
 * What an option requires if it applies to none of the targets, so that an option without effect is an error:
 * `--min-days` on `tcp://` would otherwise succeed without checking a certificate.
 */
export function missingFor(option: string, targets: readonly ProbeTarget[]): string | undefined {
  const rule = RULES.find(({ options }) => options.includes(option));
  return rule === undefined || targets.some(rule.to) ? undefined : rule.needs;
}
