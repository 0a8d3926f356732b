import { parseHex } from "../../../base/bytes.ts";
import { orUsageError, UsageError } from "../../../base/errors.ts";
import type { GivenFlag } from "../../../cli/parse_flags.ts";
import { textPayload } from "../../../script/payload.ts";
import {
  awaitReply,
  end,
  expect,
  expectClose,
  expectReset,
  expectSilence,
  send,
  type Step,
} from "../../../script/steps.ts";

/** Options for converting flags to steps. */
interface StepOptions {
  /** The first send step, if any. */
  readonly first: Step | undefined;
  /** DATA is hexadecimal digits. */
  readonly isHex: boolean;
  /** DATA and TEXT have no escapes. */
  readonly isLiteral: boolean;
  /** Type of sent WebSocket messages; by default text, or binary for hexadecimal DATA. */
  readonly isText?: boolean | undefined;
  /** Silence that ends a reply, in milliseconds; `undefined` waits for no reply. */
  readonly quietMs: number | undefined;
  /** Whether only the server's close ends a reply after `--end`. */
  readonly closesAfterEnd?: boolean;
}

/**
 * Converts the flags to steps in their order: each `--then` sends, each `--expect...` waits. A send without an
 * expectation is followed by a wait for its reply.
 *
 * @throws {UsageError} A value that cannot be used.
 */
export function stepsOf(given: readonly GivenFlag[], options: StepOptions): Step[] {
  const wanted: Step[] = [];
  for (const flag of given) {
    const step = flag.name === "expectType" ? typed(wanted.pop(), flag.value === "text") : stepOf(flag, options);
    if (step !== undefined) wanted.push(step);
  }
  const ordered = options.first ? [options.first, ...wanted] : wanted;
  const { quietMs, closesAfterEnd = false } = options;
  if (quietMs === undefined) return ordered;
  const replies: Partial<Record<Step["kind"], Step>> = {
    send: awaitReply(quietMs),
    end: awaitReply(closesAfterEnd ? undefined : quietMs),
  };
  return ordered.flatMap((step, index) => {
    const next = ordered[index + 1]?.kind;
    const isUnanswered = next === undefined || next === "send";
    const reply = replies[step.kind];
    return reply !== undefined && isUnanswered ? [step, reply] : [step];
  });
}

/** A step that sends typed DATA. */
export function sendStep(
  text: string,
  { isHex, isLiteral, isText = !isHex }: Pick<StepOptions, "isHex" | "isLiteral" | "isText">,
): Step {
  return send(isHex ? parseHex(text) : textPayload(text, { isLiteral }), { isText });
}

/** The expectation, for messages of one type. */
function typed(step: Step | undefined, isText: boolean): Step {
  if (step?.kind === "expect") return { ...step, pattern: { ...step.pattern, isText } };
  throw new UsageError("--expect-type must follow --expect, --expect-regex or --expect-bytes");
}

function stepOf({ name, value }: GivenFlag, options: StepOptions): Step | undefined {
  const text = String(value);
  switch (name) {
    case "then":
      return orUsageError(() => sendStep(text, options), "--then: ");
    case "expect":
      return orUsageError(() => expect(textPayload(text, options)), "--expect: ");
    case "expectRegex":
      return orUsageError(() => expect(new RegExp(text, "u")), "--expect-regex: ");
    case "expectBytes":
      return orUsageError(() => expect(someBytes(text)), "--expect-bytes: ");
    case "end":
      return end();
    case "expectClose":
      return expectClose(typeof value === "number" ? value : undefined);
    case "expectReset":
      return expectReset();
    case "expectSilence":
      return expectSilence(Number(value));
    default:
      return undefined;
  }
}

function someBytes(hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes.length > 0) return bytes;
  throw new SyntaxError("the expected bytes must not be empty");
}
