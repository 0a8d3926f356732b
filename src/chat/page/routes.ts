/**
 * Routes of the chat page: HTML, a style sheet and modules, without external resources.
 *
 * @module
 */

import type { HttpContent } from "../../http/response.ts";
import type { HttpRoutes } from "../../http/router.ts";
import app from "./app.js" with { type: "text" };
import connectionView from "./connection_view.js" with { type: "text" };
import composer from "./composer.js" with { type: "text" };
import conversation from "./conversation.js" with { type: "text" };
import dialogs from "./dialogs.js" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import entries from "./entries.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import index from "./index.html" with { type: "text" };
import listsView from "./lists_view.js" with { type: "text" };
import logView from "./log_view.js" with { type: "text" };
import messageBox from "./message_box.js" with { type: "text" };
import messageView from "./message_view.js" with { type: "text" };
import panels from "./panels.js" with { type: "text" };
import progress from "./progress.js" with { type: "text" };
import socket from "./socket.js" with { type: "text" };
import store from "./store.js" with { type: "text" };
import baseStyle from "./style/base.css" with { type: "text" };
import composerStyle from "./style/composer.css" with { type: "text" };
import controlsStyle from "./style/controls.css" with { type: "text" };
import dialogsStyle from "./style/dialogs.css" with { type: "text" };
import frameStyle from "./style/frame.css" with { type: "text" };
import listsStyle from "./style/lists.css" with { type: "text" };
import messagesStyle from "./style/messages.css" with { type: "text" };
import noticesStyle from "./style/notices.css" with { type: "text" };
import tokensStyle from "./style/tokens.css" with { type: "text" };
import tabState from "./tab_state.js" with { type: "text" };
import text from "./text.js" with { type: "text" };
import view from "./view.js" with { type: "text" };

/** Only scripts, styles and connections of this server; no inline scripts, no HTML from strings, no framing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const FIELDS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "X-Frame-Options": "DENY",
};

/** One style sheet in this order; later rules override earlier ones. */
const STYLE = [
  tokensStyle,
  baseStyle,
  controlsStyle,
  frameStyle,
  listsStyle,
  messagesStyle,
  noticesStyle,
  composerStyle,
  dialogsStyle,
].join("\n");

const SCRIPTS: Readonly<Record<string, string>> = {
  app,
  composer,
  connection_view: connectionView,
  conversation,
  dialogs,
  dom,
  entries,
  lists_view: listsView,
  log_view: logView,
  message_box: messageBox,
  message_view: messageView,
  panels,
  progress,
  socket,
  store,
  tab_state: tabState,
  text,
  view,
};

/** Preloads all modules, because a browser would discover imports one after the other. */
const PRELOADS = Object.keys(SCRIPTS).map((name) => `<link rel="modulepreload" href="/page/${name}.js">`).join("");

/** The routes of `/` and its resources. */
export const PAGE_ROUTES: HttpRoutes = {
  "GET /": ({ endpointPath }) => content("text/html", pageFor(endpointPath)),
  "GET /favicon.ico": content("image/svg+xml", icon),
  "GET /page/icon.svg": content("image/svg+xml", icon),
  "GET /page/style.css": content("text/css", STYLE),
  ...Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, body]) => [`GET /page/${name}.js`, content("text/javascript", body)]),
  ),
};

/** The page with the path of its WebSocket endpoint. */
function pageFor(endpointPath: string): string {
  const path = endpointPath.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return index
    .replace("<html", () => `<html data-endpoint="${path}"`)
    .replace("</head>", () => `${PRELOADS}</head>`);
}

function content(type: string, body: string): HttpContent {
  return { contentType: `${type}; charset=utf-8`, body, fields: FIELDS };
}
