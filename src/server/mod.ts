/**
 * Servers: endpoints, access control, limits, metrics, and graceful shutdown.
 *
 * @module
 */

import "../log/logtape.ts";

export { AccessList, type AccessRules, parseAccessRules } from "../guard/access_list.ts";
export { Admission, type AdmissionOptions } from "../guard/admission.ts";
export type { Authenticator, Identity } from "../guard/authenticator.ts";
export { ConnectionRate, type ConnectionRateOptions } from "../guard/connection_rate.ts";
export type { Gate, Refusal } from "../guard/gate.ts";
export {
  PasswordAuthenticator,
  type PasswordAuthenticatorOptions,
  type PasswordEntry,
} from "../guard/password_authenticator.ts";
export { parsePasswordFile } from "../guard/password_file.ts";
export { hashPassword, verifyPassword } from "../guard/password_hash.ts";
export { PerAddressLimit, type PerAddressLimitOptions } from "../guard/per_address_limit.ts";
export { type RateOptions, TokenBucket } from "../guard/token_bucket.ts";
export { HttpError, type HttpFields, type HttpRequestHead } from "../http/head.ts";
export type { HttpRequest } from "../http/request.ts";
export type { HttpContent, HttpResponse } from "../http/response.ts";
export type { HttpRoute, HttpRoutes, RoutedRequest } from "../http/router.ts";
export { type CoarseClock, DeadlineTimer, type HasDeadlines } from "../net/deadline_timer.ts";
export type { MessageRates } from "../session/rate_limited_session.ts";
export { acceptWebSocket, type AcceptWebSocketOptions, type WebSocketAcceptorOptions } from "../websocket/acceptor.ts";
export type { PingOptions } from "../websocket/pinger.ts";
export { type RunningServer, serve, type ServeOptions, type SessionHandler } from "./serve.ts";
export { type MetricsServer, serveMetrics } from "./serve_metrics.ts";
export { ServerStats } from "./server_stats.ts";
export type { Service } from "./service.ts";
export type { ClosedReport, ConnectionReport, ConnectionTotals, StatsSnapshot, StatsSource } from "./stats_snapshot.ts";
