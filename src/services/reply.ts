import { concat, indexOfBytes, NO_BYTES, unescape, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { readNamedBytes } from "../base/read_named_file.ts";
import { type HttpStream, RequestReader, serveRequests } from "../http/request.ts";
import type { Session } from "../session/session.ts";
import { answerBatch, discardInput } from "./session_input.ts";
import { defineService } from "./service.ts";

const PLACEHOLDER = utf8("{message}");
const LF = 0x0a;
const CR = 0x0d;

interface ReplyPlan {
  readonly text: ReplyText;
  /** Whether the connection stays open after a reply. */
  readonly isKept: boolean;
}

/** Sends a canned reply: on connect, to each message, or to each HTTP request. */
export const reply = defineService({
  endpoints: ["tcp://127.0.0.1:8888"],
  framing: ({ on, http }) => on === "message" && !http ? "line" : "raw",
  flags: {
    text: {
      type: "text",
      allowsEmpty: true,
      help: "the reply, with escapes; {message} is the message",
    },
    file: { type: "text", placeholder: "FILE", help: "reply with the content of FILE" },
    on: {
      type: "choice",
      choices: ["connect", "message", "request"],
      default: "message",
      help: "when to reply; a request is an HTTP head",
    },
    http: { type: "boolean", help: "reply to HTTP requests: status 200 and this body" },
    then: {
      type: "choice",
      choices: ["keep", "close"],
      help: "then (default: close with --on connect)",
    },
  },
  examples: [
    { words: "reply :8080 --http --text 'ok\\n'", does: "an HTTP server that replies ok" },
    { words: "reply :2525 --on connect --text '220 ready\\r\\n' --then keep", does: "send a banner and stay" },
  ],
  async create(flags, { codec }) {
    const isLine = codec?.name === "line" && flags.on === "message" && !flags.http;
    const plan: ReplyPlan = {
      text: await loadReplyText(flags, isLine),
      isKept: flags.then === undefined ? flags.on !== "connect" : flags.then === "keep",
    };
    const serve = flags.http ? serveHttp : SERVE[flags.on];
    return { serve: (session) => serve(session, plan) };
  },
});

async function serveOnce(session: Session, { text, isKept }: ReplyPlan): Promise<void> {
  await session.write(text(NO_BYTES), true);
  if (isKept) await discardInput(session);
}

async function serveEach(session: Session, { text, isKept }: ReplyPlan): Promise<void> {
  for (let batch = await session.receive(); batch; batch = await session.receive()) {
    await answerBatch(session, isKept ? batch : batch.slice(0, 1), ({ data }) => text(data));
    if (!isKept) return;
  }
}

/** Answers the head of each request with the text, unchanged. */
async function serveOnRequest(session: Session, { text, isKept }: ReplyPlan): Promise<void> {
  const requests = new RequestReader(streamOf(session));
  for (let request = await requests.next(); request; request = await requests.next()) {
    const isWhole = await request.discardBody();
    await session.write(text(request.bytes));
    if (!isKept || !isWhole) return;
  }
}

async function serveHttp(session: Session, { text, isKept }: ReplyPlan): Promise<void> {
  await serveRequests(streamOf(session), async (request) => {
    await request.discardBody();
    const fields = { Date: new Date().toUTCString(), "Content-Type": "text/plain; charset=utf-8" };
    return { status: 200, body: text(request.bytes), fields, isKeptAlive: isKept };
  });
}

/** By default the framing is raw: a message is the result of one read. */
function streamOf(session: Session): HttpStream {
  return {
    read: async (options) => (await session.receive(options))?.[0]?.data ?? null,
    write: (bytes) => session.write(bytes),
  };
}

const SERVE = { connect: serveOnce, message: serveEach, request: serveOnRequest };

/** Builds the reply to a message. */
export type ReplyText = (message: Uint8Array) => Uint8Array;

/**
 * The canned reply of the flags: a text with escapes in which `{message}` stands for the received message, or a file,
 * unchanged. A line loses its line end, since the framing adds one.
 *
 * @throws {UsageError} Neither or both are given, the file cannot be read, or several lines are given for one.
 * @throws {SyntaxError} The text contains an unknown escape.
 */
async function loadReplyText(
  { text, file }: { text: string | undefined; file: string | undefined },
  isLine: boolean,
): Promise<ReplyText> {
  if ((text === undefined) === (file === undefined)) {
    throw new UsageError("reply requires either --text TEXT or --file FILE");
  }
  const shape = isLine ? oneLine : (bytes: Uint8Array) => bytes;
  if (text !== undefined) return replyTemplate(shape(unescape(text)));
  const bytes = shape(await readNamedBytes(file ?? "", "the reply of --file"));
  return () => bytes;
}

function oneLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) !== LF ? bytes.length : bytes.at(-2) === CR ? bytes.length - 2 : bytes.length - 1;
  const line = bytes.subarray(0, end);
  if (!line.includes(LF)) return line;
  throw new UsageError("Cannot reply with several lines with --framing line; use --framing raw");
}

/** Replaces each `{message}` by the message. */
export function replyTemplate(template: Uint8Array): ReplyText {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = indexOfBytes(template, PLACEHOLDER); at !== -1; at = indexOfBytes(template, PLACEHOLDER, from)) {
    parts.push(template.subarray(from, at));
    from = at + PLACEHOLDER.length;
  }
  if (parts.length === 0) return () => template;
  const last = template.subarray(from);
  return (message) => concat([...parts.flatMap((part) => [part, message]), last]);
}
