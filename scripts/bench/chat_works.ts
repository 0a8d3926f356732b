import { type Contender, DENO_HUB, DENO_JOIN_HUB, NATS, NGIRCD, nodeWs, ours } from "./contenders.ts";
import { pinned, run, RunningContender } from "./process.ts";
import type { Work } from "./work.ts";

const FILL = "x".repeat(60);
const MARKER = "|";
/** Every join is announced to everyone; ngircd also delays clients that have just connected. */
const settleMs = (members: number, contender: Contender) => String(contender === NGIRCD || members > 100 ? 1_500 : 400);
const STORM_MEMBERS = 5_000;

/** The first line of a member, and a message. */
type Wire = readonly [preamble: string, message: string];

const NATS_WIRE: Wire = ['CONNECT {"verbose":false}\\r\\nSUB room 1\\r\\n', `PUB room 62\\r\\n|${FILL}\\n\\r\\n`];
const IRC_WIRE: Wire = ["NICK u%d\\r\\nUSER u 0 * :u\\r\\nJOIN #r\\r\\n", `PRIVMSG #r :|${FILL}\\r\\n`];
const TEXT_WIRE: Wire = ["/nick u%d\\n", `|${FILL}\\n`];
const JSON_WIRE: Wire = [
  '{"type":"join","room":"#bench"}',
  `{"type":"publish","room":"#bench","text":"|${FILL}"}`,
];

function fanoutWork(members: number, batch: number, isQuick = false): Work {
  return {
    id: `fanout-${members}x${batch}`,
    title: `chat, ${members.toLocaleString("en-US")} members, ${batch} in flight`,
    unit: "deliveries/s",
    better: "more",
    how: {
      words: (contender) => {
        const wire = contender === NATS ? NATS_WIRE : contender === NGIRCD ? IRC_WIRE : TEXT_WIRE;
        return [
          "fanout_load",
          "PORT",
          String(members),
          String(batch),
          "SECONDS",
          ...wire,
          settleMs(members, contender),
          MARKER,
        ];
      },
      answers: "tcp",
    },
    contenders: [
      ours("parley", (port) => ["chat", `:${port}`]),
      ours("parley --history", (port, { scratch }) => [
        ...["chat", `:${port}`, "--history", `${scratch}/history-${port}.db`],
      ]),
      DENO_HUB,
      NATS,
      NGIRCD,
    ],
    reference: NATS.name,
    isQuick,
  };
}

const PARLEY_WS = ours("parley, text", (port) => ["chat", `ws://127.0.0.1:${port}`]);
const PARLEY_JSON = ours("parley, JSON", (port) => ["chat", `ws://127.0.0.1:${port}`]);

function webSocketFanoutWork(members: number, batch: number): Work {
  const wireOf = (contender: Contender): readonly string[] => {
    if (contender === PARLEY_JSON) return [...JSON_WIRE, settleMs(members, contender), MARKER, "/", "parley.v1"];
    return [
      contender === PARLEY_WS ? TEXT_WIRE[0].slice(0, -2) : "hello",
      `|${FILL}`,
      settleMs(members, contender),
      MARKER,
      "/",
    ];
  };
  return {
    id: `ws-fanout-${members}x${batch}`,
    title: `chat, WebSocket, ${members.toLocaleString("en-US")} members, ${batch} in flight`,
    unit: "deliveries/s",
    better: "more",
    how: {
      words: (contender) => [
        ...["fanout_load", "PORT", String(members), String(batch), "SECONDS", ...wireOf(contender)],
      ],
      answers: "tcp",
    },
    contenders: [PARLEY_JSON, PARLEY_WS, nodeWs("fanout")],
    reference: "Node ws",
    isQuick: false,
  };
}

const STORM_OURS = ours("parley", (port) => ["chat", `:${port}`, "--max-connections", String(STORM_MEMBERS + 10)]);

/** The first line of each client, and the reply that confirms its join. */
function stormWire(contender: Contender): readonly string[] {
  return contender === NATS ? [`${NATS_WIRE[0]}PING\\r\\n`, "PONG"] : ["/join #storm\\n", "* You are in #storm"];
}

/** Without ngircd, which takes too long to admit so many clients. */
const JOIN_STORM: Work = {
  id: `join-storm-${STORM_MEMBERS}`,
  title: `${STORM_MEMBERS.toLocaleString("en-US")} join one room at once`,
  unit: "ms",
  better: "less",
  how: {
    sample: async (contender, { tools, canPin }) => {
      await using server = await RunningContender.start(contender, tools, { canPin, answers: "tcp" });
      const words = [tools.built("join_load"), String(server.port), String(STORM_MEMBERS), ...stormWire(contender)];
      const printed = await run(pinned(words, 1, canPin));
      // Not killed, so that a profile is written.
      await server.end();
      return {
        rate: Number(/all in ([\d.]+) ms/.exec(printed)?.[1]),
        p99us: Number(/p99=([\d.]+)us/.exec(printed)?.[1]),
      };
    },
  },
  contenders: [STORM_OURS, DENO_JOIN_HUB, NATS],
  reference: NATS.name,
  isQuick: false,
};

/** One member sends, all receive. */
export const CHAT_WORKS: readonly Work[] = [
  fanoutWork(100, 1, true),
  fanoutWork(100, 16),
  fanoutWork(100, 32, true),
  fanoutWork(1_000, 1),
  fanoutWork(1_000, 16),
  fanoutWork(1_000, 32),
  webSocketFanoutWork(100, 1),
  webSocketFanoutWork(100, 32),
  JOIN_STORM,
];
