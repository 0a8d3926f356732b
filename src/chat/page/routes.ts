/**
 * The chat page as WebSocket endpoints serve it: markup, a
 * style sheet and modules, with nothing from anywhere else.
 *
 * @module
 */

import type { HttpContent, HttpRoutes } from "../../serve/http/route.ts";
import app from "./app.js" with { type: "text" };
import composer from "./composer.js" with { type: "text" };
import conversation from "./conversation.js" with { type: "text" };
import dialogs from "./dialogs.js" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import index from "./index.html" with { type: "text" };
import messageView from "./message_view.js" with { type: "text" };
import panels from "./panels.js" with { type: "text" };
import socket from "./socket.js" with { type: "text" };
import store from "./store.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import text from "./text.js" with { type: "text" };
import view from "./view.js" with { type: "text" };

/**
 * Scripts and styles of this server only, none inside the markup; no markup
 * made from text by scripts; connections to this server only; in nobody's frame.
 */
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

const SCRIPTS: Readonly<Record<string, string>> = {
  app,
  composer,
  conversation,
  dialogs,
  dom,
  message_view: messageView,
  panels,
  socket,
  store,
  text,
  view,
};

/** What a browser finds at `/`, and what that refers to. */
export const PAGE_ROUTES: HttpRoutes = {
  "/": content("text/html", index),
  "/favicon.ico": content("image/svg+xml", icon),
  "/page/icon.svg": content("image/svg+xml", icon),
  "/page/style.css": content("text/css", style),
  ...Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, body]) => [`/page/${name}.js`, content("text/javascript", body)]),
  ),
};

function content(type: string, body: string): HttpContent {
  return { contentType: `${type}; charset=utf-8`, body, fields: FIELDS };
}
