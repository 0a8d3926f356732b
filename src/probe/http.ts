/**
 * HTTP/1.1 (RFC 9110, RFC 9112); `etcd://` and `consul://` are requests to the health endpoints of those servers.
 *
 * Ready: a status in the range (200 to 399 by default) and a body as expected. Not ready: any other answer.
 *
 * @module
 */

import { basicCredentials } from "../http/authorization.ts";
import { type HttpAnswer, requestOver } from "../http/client.ts";
import { formatAuthority, formatHostPort } from "../net/endpoint.ts";
import { assertContent, assertHeaders, headerFields, isInStatusRanges } from "./content.ts";
import {
  type Facts,
  notReady,
  type ProbeContext,
  type ProbeExpectations,
  type ProbeTarget,
  unexpected,
} from "./probe.ts";
import { parseTarget } from "./target.ts";
import { openWire, SECRET_HEADER } from "./wire.ts";

/** Health endpoints of servers that have their own scheme, and the expected answers. */
const HEALTH: Readonly<Record<string, { path: string; expected: ProbeExpectations }>> = {
  // https://etcd.io/docs/v3.4/op-guide/monitoring/, "Health check".
  etcd: { path: "/health", expected: { bodyJson: "health=true" } },
  // https://developer.hashicorp.com/consul/api-docs/status: the leader's address, or an empty string without one.
  consul: { path: "/v1/status/leader", expected: { bodyRegex: /^"[^"]+"/ } },
};

/** Schemes that a redirect may lead to. */
const HTTP = {
  schemes: ["http", "https"],
  ports: { http: 80, https: 443 },
  tls: ["https"],
  load: () => Promise.resolve({ probe }),
};

const REDIRECTS = [301, 302, 303, 307, 308];

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  const health = HEALTH[target.scheme.replace(/s$/, "")];
  const expected = { ...context.expected, ...health?.expected };
  const path = health !== undefined && target.path === "/" ? health.path : target.path;
  let current: ProbeTarget = { ...target, path };
  let answer = await ask(context, current, expected);
  const { maxRedirects = 0 } = expected;
  for (let left = maxRedirects; isRedirect(answer) && maxRedirects > 0; left--) {
    if (left === 0) throw notReady(target, `too many redirects (more than ${maxRedirects})`);
    current = redirected(current, answer);
    answer = await ask(context, current, expected);
  }
  const status = `${answer.status} ${answer.reason}`.trim();
  if (!isInStatusRanges(expected.status ?? "200-399", answer.status)) {
    const location = answer.fields.get("location");
    throw notReady(target, `answered ${status}${location === undefined ? "" : `, Location: ${location}`}`);
  }
  assertHeaders(target, answer.fields, expected.responseHeaders ?? []);
  assertContent(target, answer.body, expected);
  return { status: answer.status };
}

function isRedirect({ status, fields }: HttpAnswer): boolean {
  return REDIRECTS.includes(status) && fields.has("location");
}

async function ask(context: ProbeContext, target: ProbeTarget, expected: ProbeExpectations): Promise<HttpAnswer> {
  await using wire = await openWire({ ...context, target });
  const { headers = [] } = expected;
  const isSame = isSameServer(context, target);
  return await requestOver(wire.connection, {
    method: expected.method ?? "GET",
    target: target.path,
    fields: {
      Host: formatAuthority(target.host, target.port, target.isTls ? 443 : 80),
      "User-Agent": "parley",
      Accept: "*/*",
      ...(isSame ? authorization(context) : {}),
      ...headerFields(isSame ? headers : headers.filter((line) => !SECRET_HEADER.test(line))),
    },
  }, context.deadline);
}

/** Credentials are sent only to the named server, never to another one or without TLS after a redirect. */
function isSameServer({ target: { host, port, isTls } }: ProbeContext, target: ProbeTarget): boolean {
  return target.host === host && target.port === port && (target.isTls || !isTls);
}

function authorization({ login }: ProbeContext): Record<string, string> {
  if (login === undefined) return {};
  if (login.token !== undefined) return { Authorization: `Bearer ${login.token}` };
  return { Authorization: basicCredentials(login.user, login.password) };
}

function redirected(from: ProbeTarget, answer: HttpAnswer): ProbeTarget {
  const location = answer.fields.get("location");
  const base = `${from.isTls ? "https" : "http"}://${formatHostPort(from.host, from.port)}${from.path}`;
  const url = location === undefined ? null : URL.parse(location, base);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw unexpected(from, `redirects with ${answer.status} to an invalid Location`);
  }
  return parseTarget(url.href, url.protocol.slice(0, -1), HTTP);
}
