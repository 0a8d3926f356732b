/**
 * What each work should reach, and if it does not, where the processor time goes, measured in the same run.
 *
 * @module
 */

import type { WorkResult } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import { percent, type Profile, profileOf } from "./profile.ts";
import { figuresOf, markdown, timesAsGood } from "./report.ts";
import type { Work } from "./work.ts";

/** A ratio to another contender of the same work. */
interface Goal {
  readonly to: string;
  readonly ratio: number;
  /** Which of ours, if not the first. */
  readonly own?: string;
}

/** The goals of a work, by its name. */
export const GOALS: Readonly<Record<string, readonly Goal[]>> = {
  "echo-50x1024x32": [{ to: "bare Deno loop", ratio: 0.95 }],
  "echo-1000x64x1": [{ to: "bare Deno loop", ratio: 0.95 }],
  "tls-50x64x1": [{ to: "Node tls", ratio: 0.9 }],
  "tls-50x64x32": [{ to: "Node tls", ratio: 0.9 }],
  "framed-50x100x32": [{ to: "parley", ratio: 0.6, own: "parley --framing line" }],
  "ws-10x16000x4": [{ to: "Deno's own WebSocket", ratio: 1 }],
  "udp-20x64x4": [{ to: "Node dgram", ratio: 1 }],
  "relay-50x64x1": relayGoals(0.6),
  "relay-50x64x32": relayGoals(0.6),
  "relay-10x65536x1": relayGoals(1.5),
  "relay-connect-50": relayGoals(),
  "fanout-100x16": [{ to: "bare Deno hub", ratio: 0.85 }],
  "fanout-100x32": [{ to: "bare Deno hub", ratio: 0.85 }],
  "fanout-1000x1": [{ to: "nats-server", ratio: 1.1 }],
  "ws-fanout-100x1": [{ to: "Node ws", ratio: 1.2 }],
  "join-storm-5000": [{ to: "nats-server", ratio: 1 }],
  "client-50x64x1": [{ to: "C load", ratio: 0.65 }],
  "client-50x64x32": [{ to: "C load", ratio: 0.6 }],
  "start-sources": startGoals(),
  "start-bundle": startGoals(),
  "start-compiled": startGoals(),
};

function relayGoals(ofHaproxy?: number): Goal[] {
  return [
    { to: "Toxiproxy", ratio: 1 },
    { to: "socat", ratio: 2 },
    ...(ofHaproxy === undefined ? [] : [{ to: "HAProxy", ratio: ofHaproxy }]),
  ];
}

/** As maximum times of an empty program. */
function startGoals(): Goal[] {
  const maxTimes = { "parley-client --version": 1.8, "check of an open port": 2.2, "echo, first byte": 2.2 };
  return Object.entries(maxTimes).map(([own, times]) => ({ own, to: "an empty program", ratio: 1 / times }));
}

/** A goal that was not reached. */
export interface Missed {
  readonly own: string;
  readonly to: string;
  readonly ratio: number;
  readonly reached: number;
}

/** The goals that the result of a work misses; one whose contender was not measured is left out. */
export function missedGoals(result: WorkResult, goals = GOALS[result.id] ?? []): Missed[] {
  return goals.flatMap(({ own = result.figures[0]?.contender ?? "", to, ratio }) => {
    const [ownRate, otherRate] = [own, to].map((name) => figuresOf(result, name)?.rate);
    const reached = ownRate && timesAsGood(result.better, ownRate, otherRate);
    return reached && reached < ratio ? [{ own, to, ratio, reached }] : [];
  });
}

/** One work that misses a goal. */
export interface Explained {
  readonly result: WorkResult;
  readonly missed: readonly Missed[];
  /** Of ours that miss a goal, and of the limit, if they run on Deno. */
  readonly profiles: readonly (Profile & { readonly contender: string })[];
}

/** Profiles ours and the shortest program on the runtime; `undefined` if every goal is reached. */
export async function explain(
  work: Work,
  result: WorkResult,
  prepared: Prepared,
  seconds: number,
): Promise<Explained | undefined> {
  const missed = missedGoals(result);
  if (missed.length === 0) return undefined;
  const profiles = [];
  for (const contender of work.contenders) {
    if (contender.role !== "limit" && !missed.some(({ own }) => own === contender.name)) continue;
    const profile = await profileOf(work, contender, prepared, seconds);
    if (profile !== undefined) profiles.push({ ...profile, contender: contender.name });
  }
  return { result, missed, profiles };
}

/** The missed goals, and the profiles, as two Markdown tables; a ratio of times is inverted: "1.29 times" as long. */
export function goalTables(explained: readonly Explained[]): string {
  const goals = explained.flatMap(({ result, missed }) =>
    missed.map(({ own, to, ratio, reached }) => {
      const shown = (value: number) => result.better === "more" ? value.toFixed(2) : `${(1 / value).toFixed(2)} times`;
      return [result.title, own, to, shown(ratio), shown(reached)];
    })
  );
  const profiles = explained.flatMap(({ result, profiles }) =>
    profiles.map(({ contender, split, kernelPart }) => {
      const cpuUs = figuresOf(result, contender)?.cpuUs;
      return [
        result.title,
        contender,
        cpuUs === undefined ? "" : `${cpuUs.toPrecision(3)} us`,
        ...[split.ours + split.packages, split.runtime, split.native, split.garbage].map(percent),
        kernelPart === undefined ? "" : percent(kernelPart),
      ];
    })
  );
  const profileHead = [
    "work",
    "program",
    "CPU for one",
    "its own code",
    "runtime",
    "native",
    "garbage",
    "in the kernel",
  ];
  return `${markdown(["work", "program", "next to", "goal", "reached"], goals)}\n${markdown(profileHead, profiles)}`;
}
