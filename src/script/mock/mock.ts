import { NO_BYTES, preview, utf8 } from "../../base/bytes.ts";
import { messageOf, ResetError } from "../../base/errors.ts";
import { parseDuration } from "../../base/units.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { failureLines } from "../difference.ts";
import { Exchange, type ExchangeSession, type StepReport } from "../exchange.ts";
import { ExpectationError } from "../expectation_error.ts";
import { quote } from "../expectations.ts";
import type { Unit } from "../inbox.ts";
import { textPayload } from "../payload.ts";
import type { Recorder } from "../recorder.ts";
import { close, type Pattern, patternOf, reset, type Step, type Wanted } from "../steps.ts";
import type { MockEntry, MockScript } from "./mock_script.ts";

const DEFAULT_TIMEOUT = "5s";
const DEFAULT_QUIET = "20ms";
/** How long to wait for the rest of an input that no rule matches yet. */
const REST_MS = 250;

/** The result of one connection, or of an overall expectation. */
export interface MockReport {
  readonly name: string;
  readonly ms: number;
  /** The position of the failure in the script, or what served the connection. */
  readonly path: readonly PropertyKey[];
  /** Why it failed. */
  readonly error: Error | undefined;
  /** Details in lines: the difference between expected and received data. */
  readonly details: readonly string[];
  /** A script that no client has used. */
  readonly isUnused?: boolean;
}

/** Options of a {@linkcode Mock}. */
interface MockOptions {
  /** Strict mode: data skipped by an expectation counts as unmatched, and every script and rule must be used. */
  readonly isStrict?: boolean | undefined;
  /** Called when a connection ends, which keeps its place until it is done. */
  readonly onConnection?: ((report: MockReport) => void | Promise<void>) | undefined;
  /** Records what either side sends on a connection. */
  readonly recorderOf?: ((session: ExchangeSession, connection: number) => Recorder) | undefined;
}

/** Plays the server's side of a script to every client. */
export class Mock {
  readonly #script: MockScript;
  readonly #options: MockOptions;
  readonly #entries: readonly Entry[];
  /** Those without `when`; the ones at the front that are used up are dropped, or each client would look at them. */
  readonly #scripts: Entry[];
  readonly #hasRules: boolean;
  readonly #uses = new Map<Entry, number>();
  readonly #globals = new Map<string, string>();
  readonly #stopping = new AbortController();
  readonly #failed: MockReport[] = [];
  #connections = 0;
  #unmatched = 0;

  /** Serves no client before {@linkcode serve}. */
  constructor(script: MockScript, options: MockOptions = {}) {
    this.#script = script;
    this.#entries = script.connections.map(({ when, ...entry }, index) => ({
      ...entry,
      index,
      when: when === undefined ? undefined : asPattern(when),
    }));
    this.#scripts = this.#entries.filter(({ when }) => when === undefined);
    this.#hasRules = this.#scripts.length < this.#entries.length;
    this.#options = options;
  }

  /** Ends all connections; scripts still waiting for their clients have failed. */
  stop(): void {
    this.#stopping.abort(new Error("the mock was stopped"));
  }

  /** Serves one client. */
  async serve(session: ExchangeSession): Promise<void> {
    const startMs = performance.now();
    const number = ++this.#connections;
    const recorder = this.#options.recorderOf?.(session, number);
    const exchange = new Exchange(session, {
      timeoutMs: parseDuration(this.#script.timeout ?? DEFAULT_TIMEOUT),
      signal: this.#stopping.signal,
      onSent: recorder && ((data, isText) => recorder.data("server", { data, isText })),
      onReceived: recorder && ((message) => recorder.data("client", message)),
    });
    const played = await this.#play(session, exchange);
    const { unmatched } = exchange.inbox;
    const rest = played.error === undefined && !isBlank(unmatched)
      ? this.#leftOver(exchange, session, unmatched)
      : undefined;
    if (exchange.inbox.state === "ended") recorder?.end("client");
    const { steps } = await exchange.end(played.error === undefined);
    recorder?.end("server");
    const error = played.error === undefined ? rest : this.#explain(played.error, steps, exchange, session);
    const { name, path } = played;
    const report = {
      name: `connection ${number}${name === undefined ? "" : `: ${name}`}`,
      ms: performance.now() - startMs,
      path: error === undefined ? path.slice(0, 2) : path,
      error,
      details: error === undefined ? [] : failureLines({ error, steps }),
    };
    if (error !== undefined) this.#failed.push(report);
    await this.#options.onConnection?.(report);
  }

  /** Overall failures, once all connections have ended, including unused scripts. */
  verdict(): MockReport[] {
    const { expect = {} } = this.#script;
    const counts = [["connections", this.#connections], ["unmatched", this.#unmatched]] as const;
    const wrong = counts.flatMap(([what, came]) => {
      const wanted = expect[what];
      if (wanted === undefined || wanted === came) return [];
      return [reportOf(`expect ${what}`, ["expect", what], new Error(`expected ${wanted} ${what}, not ${came}`))];
    });
    const unused = this.#entries.flatMap((entry, index) => {
      if (this.#uses.has(entry) || !this.#options.isStrict && entry.when !== undefined) return [];
      const name = entry.name ?? `connections[${index}]`;
      const error = this.#options.isStrict ? new Error("it was never used (--strict)") : undefined;
      return [{ ...reportOf(name, ["connections", index], error), isUnused: error === undefined }];
    });
    return [...wrong, ...unused];
  }

  /** Whether all clients have behaved as the script says. */
  get hasFailed(): boolean {
    return this.#failed.length > 0 || this.verdict().some(({ error }) => error !== undefined);
  }

  /**
   * Checks that all clients have behaved as the script says.
   *
   * @throws {ExpectationError} The first failure, with the difference.
   */
  assertPassed(): void {
    const [first] = [...this.#failed, ...this.verdict().filter(({ error }) => error !== undefined)];
    if (first === undefined) return;
    throw new ExpectationError([`${first.name}: ${messageOf(first.error)}`, ...first.details].join("\n  "), {
      received: first.error instanceof ExpectationError ? first.error.received : NO_BYTES,
      cause: first.error,
    });
  }

  async #play(session: ExchangeSession, exchange: Exchange): Promise<Played> {
    const script = this.#nextScript(exchange);
    if (script !== undefined && (speaksFirst(script, session) || !this.#hasRules)) {
      return await this.#playScript(script, script.onConnect ?? this.#script.onConnect ?? [], session, exchange);
    }
    const error = await exchange.run(this.#script.onConnect ?? []);
    if (error !== undefined) return { name: undefined, path: ["on-connect"], error };
    return await this.#playRules(session, exchange);
  }

  async #playScript(
    entry: Entry,
    before: readonly Step[],
    session: ExchangeSession,
    exchange: Exchange,
  ): Promise<Played> {
    const { path, name } = this.#use(entry);
    const failed = (key: string, index: number, error: Error) => ({ name, path: [...path, key, index], error });
    const early = await exchange.run(before);
    if (early !== undefined) return failed("on-connect", 0, early);
    const tried = exchange.stepCount;
    const error = await exchange.run(stepsOf(entry, session));
    if (error !== undefined) return failed("steps", exchange.stepCount - tried - 1, error);
    this.#setValues(entry, exchange);
    const { skipped } = exchange.inbox;
    if (!this.#options.isStrict || skipped.length === 0) return { name, path, error: undefined };
    return { name, path, error: this.#note(this.#unexpected(session, skipped, " before what was expected")) };
  }

  async #playRules(session: ExchangeSession, exchange: Exchange): Promise<Played> {
    let failed: Error | undefined;
    const quietMs = parseDuration(this.#script.quiet ?? DEFAULT_QUIET);
    for (let isFirst = true;; isFirst = false) {
      for (const [name, value] of this.#globals) exchange.captures.set(name, value);
      const isKnown = (input: Unit) => this.#ruleFor(input, exchange) !== undefined;
      let input: Unit | undefined;
      try {
        input = await exchange.nextInput(isKnown, { quietMs, waitMs: REST_MS });
      } catch (error) {
        // Between two inputs a rule expects nothing, so the client may leave in any way.
        const isFault = !(error instanceof ResetError) && !this.#stopping.signal.aborted;
        if (isFault && error instanceof Error) failed ??= error;
      }
      if (input === undefined) return { name: undefined, path: ["connections"], error: failed };
      const rule = this.#ruleFor(input, exchange);
      const script = isFirst && rule === undefined ? this.#nextScript(exchange) : undefined;
      if (script !== undefined) return await this.#playScript(script, [], session, exchange);
      exchange.inbox.takeFirst();
      if (rule === undefined) {
        failed ??= this.#note(this.#unexpected(session, input.data, "", this.#nearest(exchange)));
        const error = await exchange.run(this.#otherwise());
        if (error !== undefined) return { name: undefined, path: ["otherwise"], error: failed ?? error };
        continue;
      }
      const { path, name } = this.#use(rule.entry);
      for (const [group, value] of rule.captures) exchange.captures.set(group, value);
      const before = exchange.stepCount;
      const error = await exchange.run(stepsOf(rule.entry, session));
      if (error !== undefined) return { name, path: [...path, "steps", exchange.stepCount - before - 1], error };
      this.#setValues(rule.entry, exchange);
    }
  }

  #otherwise(): readonly Step[] {
    const { otherwise = "close" } = this.#script;
    if (typeof otherwise === "object") return otherwise;
    return otherwise === "close" ? [close()] : otherwise === "reset" ? [reset()] : [];
  }

  #nextScript(exchange: Exchange): Entry | undefined {
    const used = this.#scripts.findIndex((entry) => !this.#isUsedUp(entry));
    this.#scripts.splice(0, used === -1 ? this.#scripts.length : used);
    return this.#scripts.find((entry) => this.#isUsable(entry, exchange));
  }

  #ruleFor(input: Unit, exchange: Exchange) {
    for (const entry of this.#entries) {
      if (entry.when === undefined || !this.#isUsable(entry, exchange)) continue;
      const match = exchange.match(entry.when, input);
      if (match !== undefined) return { entry, captures: match.captures };
    }
    return undefined;
  }

  #isUsedUp(entry: Entry): boolean {
    return (this.#uses.get(entry) ?? 0) >= (entry.times ?? (entry.when === undefined ? 1 : Infinity));
  }

  #isUsable(entry: Entry, exchange: Exchange): boolean {
    return !this.#isUsedUp(entry) &&
      Object.entries(entry.if ?? {}).every(([name, value]) =>
        (exchange.captures.get(name) ?? this.#globals.get(name) ?? "") === value
      );
  }

  #use(entry: Entry): { path: PropertyKey[]; name: string | undefined } {
    this.#uses.set(entry, (this.#uses.get(entry) ?? 0) + 1);
    return { path: ["connections", entry.index], name: entry.name };
  }

  #setValues({ set = {}, setGlobal = {} }: Entry, exchange: Exchange): void {
    const fill = (text: string) => new TextDecoder().decode(textPayload(text).bytes(exchange.captures));
    for (const [name, value] of Object.entries(setGlobal)) this.#globals.set(name, fill(value));
    for (const [name, value] of Object.entries(set)) exchange.captures.set(name, fill(value));
  }

  /** Counts an unmatched input; a failure unless the script allows it. */
  #note(error: Error): Error | undefined {
    this.#unmatched++;
    return this.#script.expect?.unmatched === undefined ? error : undefined;
  }

  #leftOver(exchange: Exchange, session: ExchangeSession, unmatched: Uint8Array): Error | undefined {
    const offset = exchange.inbox.isMessageWise ? 0 : exchange.inbox.consumedBytes;
    return this.#note(this.#unexpected(session, unmatched, " after the end of the script", undefined, offset));
  }

  #unexpected(
    { remote }: ExchangeSession,
    received: Uint8Array,
    where: string,
    expected?: Uint8Array,
    offset = 0,
  ): ExpectationError {
    const endpoint = formatEndpoint(remote);
    return new ExpectationError(`nothing matches ${quote(received)} from ${endpoint}${where}`, {
      endpoint,
      received,
      expected,
      offset,
    });
  }

  /** A single rule with plain text is what the client should have sent. */
  #nearest(exchange: Exchange): Uint8Array | undefined {
    const rules = this.#entries.filter((entry) => entry.when && this.#isUsable(entry, exchange));
    const [only] = rules;
    if (rules.length !== 1 || only?.when === undefined || only.when.kind === "regex") return undefined;
    return only.when.kind === "text" ? only.when.text.bytes(exchange.captures) : only.when.bytes;
  }

  /** A stopped script reports what it was waiting for. */
  #explain(error: Error, steps: readonly StepReport[], { inbox }: Exchange, { remote }: ExchangeSession): Error {
    if (error !== this.#stopping.signal.reason) return error;
    const last = steps.at(-1);
    const pattern = last?.step.kind === "expect" ? last.step.pattern : undefined;
    const wanted = last?.data === undefined
      ? pattern?.kind === "regex" ? `/${pattern.source}/` : last?.step.kind ?? "the next step"
      : `"${preview(last.data)}"`;
    const endpoint = formatEndpoint(remote);
    return new ExpectationError(`stopped while waiting for ${wanted} from ${endpoint}`, {
      endpoint,
      expected: last?.data,
      received: inbox.unmatched,
      cause: error,
    });
  }
}

/** An entry whose `when` is a pattern. */
type Entry = Omit<MockEntry, "when"> & { readonly index: number; readonly when: Pattern | undefined };

function asPattern(when: Pattern | Wanted): Pattern {
  return typeof when === "object" && "kind" in when ? when : patternOf(when);
}

/** How a script's or rules' part of a connection has ended. */
interface Played {
  readonly name: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly error: Error | undefined;
}

function reportOf(name: string, path: readonly PropertyKey[], error: Error | undefined): MockReport {
  return { name, ms: 0, path, error, details: [] };
}

function stepsOf({ steps }: Entry, session: ExchangeSession): readonly Step[] {
  return typeof steps === "function" ? steps(session) : steps;
}

/** Whether the script starts with data to the client. */
function speaksFirst(entry: Entry, session: ExchangeSession): boolean {
  const [first] = [...entry.onConnect ?? [], ...stepsOf(entry, session)];
  return first !== undefined && !first.kind.startsWith("expect");
}

const BLANK = utf8(" \t\r\n");

/** White space after the last match is not a message. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => BLANK.includes(byte));
}
