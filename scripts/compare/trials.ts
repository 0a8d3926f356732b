/**
 * The trials of every tool. Each tool gets the flags that its documentation names for the purpose; if a flag differs
 * from the default, both are tried.
 *
 * @module
 */

import { LATE_MS, type Peers } from "./peers.ts";
import type { Outcome, RunOptions } from "./run.ts";

/** The tools, in the order of the columns. */
export const TOOLS = ["parley", "ncat", "socat", "websocat", "wait4x"] as const;

/** One of {@linkcode TOOLS}. */
export type Tool = typeof TOOLS[number];

/** Runs a command line and says in a word or two how it went. */
export interface Try extends RunOptions {
  /** The command line, its first word a program's name. */
  readonly words: readonly string[];
  /** Label of the outcome, if a cell has several. */
  readonly label?: string;
  /** The outcome in a word or two. */
  say(outcome: Outcome): string;
}

/** A question and, for each tool that has an answer, the commands that show it. */
export interface Trial {
  readonly question: string;
  readonly tries: Partial<Record<Tool, readonly Try[]>>;
}

const HELLO = { input: "hello\n" };

/** Keeps the connection open for a while, so that no answer is lost. */
const TALK = { ...HELLO, holdInput: true, limitMs: 2_000 };

/** Formats the exit code. */
export function sayCode({ code, ms }: Outcome): string {
  return code === undefined ? `hangs (ended after ${Math.round(ms / 1_000)} s)` : `exit ${code}`;
}

function sayReply(outcome: Outcome): string {
  return `${outcome.stdout.includes("the late reply") ? "printed" : "lost"}, ${sayCode(outcome)}`;
}

function sayTrust(outcome: Outcome): string {
  return outcome.stdout.includes("hello") ? "talks to it" : sayCode(outcome);
}

function sayEcho(outcome: Outcome): string {
  return outcome.stdout.toLowerCase().includes("hello") ? "yes" : `no: ${sayCode(outcome)}`;
}

/** Searches a tool's own help for a word. */
function inHelp(words: readonly string[], pattern: RegExp): readonly Try[] {
  return [{ words, say: ({ stdout, stderr }) => pattern.test(stdout + stderr) ? "yes, by its help" : "no" }];
}

const HELP: Readonly<Record<"ncat" | "socat" | "websocat" | "wait4x", readonly string[]>> = {
  ncat: ["ncat", "--help"],
  socat: ["socat", "-hhh"],
  websocat: ["websocat", "--help=full"],
  wait4x: ["wait4x", "tcp", "--help"],
};

function byHelp(pattern: RegExp): Trial["tries"] {
  return {
    ncat: inHelp(HELP.ncat, pattern),
    socat: inHelp(HELP.socat, pattern),
    websocat: inHelp(HELP.websocat, pattern),
    wait4x: inHelp(HELP.wait4x, pattern),
  };
}

/** Every trial against the peers. */
export function clientTrials(peers: Peers): readonly Trial[] {
  const at = (port: string) => `127.0.0.1:${port}`;
  const talk = (port: string, say: Try["say"], more: RunOptions = {}): Trial["tries"] => ({
    parley: [{ words: ["parley-client", "connect", at(port)], ...HELLO, ...more, say }],
    ncat: [{ words: ["ncat", "127.0.0.1", port], ...HELLO, ...more, say }],
    socat: [{ words: ["socat", "-", `TCP:${at(port)}`], ...HELLO, ...more, say }],
    websocat: [{ words: ["websocat", "-b", "-", `tcp:${at(port)}`], ...HELLO, ...more, say }],
  });
  const wait4x = (port: string): readonly Try[] => [
    { words: ["wait4x", "tcp", at(port), "--timeout", "2s"], say: sayCode },
  ];
  return [
    {
      question: "connection refused",
      tries: { ...talk(peers.refused, sayCode), wait4x: wait4x(peers.refused) },
    },
    {
      question: "the peer resets the connection",
      tries: talk(peers.resetting, sayCode, { holdInput: true }),
    },
    {
      question: "the peer says nothing for 2 s",
      tries: {
        parley: [{
          words: ["parley-client", "send", at(peers.silent), "hello\\n", "--expect", "hello", "--timeout", "2s"],
          say: sayCode,
        }],
        ncat: [{ words: ["ncat", "-i", "2s", "127.0.0.1", peers.silent], ...HELLO, holdInput: true, say: sayCode }],
        socat: [{
          words: ["socat", "-T", "2", "-", `TCP:${at(peers.silent)}`],
          ...HELLO,
          holdInput: true,
          say: sayCode,
        }],
        websocat: [{
          words: ["websocat", "-b", "-", `tcp:${at(peers.silent)}`],
          ...HELLO,
          holdInput: true,
          say: sayCode,
        }],
      },
    },
    {
      question: "the answer is a wrong one",
      tries: {
        ...talk(peers.echo, sayCode),
        parley: [{
          words: [
            "parley-client",
            "send",
            at(peers.echo),
            "status 404\\n",
            "--expect",
            "status 200",
            "--timeout",
            "1s",
          ],
          say: sayCode,
        }],
      },
    },
    {
      question: `a reply ${LATE_MS / 1_000} s after the end of our input`,
      tries: {
        ...talk(peers.late, sayReply),
        socat: [
          { words: ["socat", "-", `TCP:${at(peers.late)}`], ...HELLO, say: sayReply },
          {
            label: "with `-t 5`: ",
            words: ["socat", "-t", "5", "-", `TCP:${at(peers.late)}`],
            ...HELLO,
            say: sayReply,
          },
        ],
      },
    },
    {
      question: "is it up? a proxy that accepts and closes",
      tries: {
        parley: [{ words: ["parley-client", "check", at(peers.closing)], say: sayUp }],
        ncat: [{ words: ["ncat", "-z", "127.0.0.1", peers.closing], say: sayUp }],
        socat: [{ words: ["socat", "-u", "OPEN:/dev/null", `TCP:${at(peers.closing)}`], say: sayUp }],
        websocat: [{ words: ["websocat", "-bu", "literal:", `tcp:${at(peers.closing)}`], say: sayUp }],
        wait4x: [{ words: ["wait4x", "tcp", at(peers.closing), "--timeout", "2s"], say: sayUp }],
      },
    },
    {
      question: "WebSocket",
      tries: {
        parley: [{ words: ["parley-client", "connect", `ws://${at(peers.webSocket)}`], ...HELLO, say: sayEcho }],
        ncat: inHelp(HELP.ncat, /websocket/i),
        socat: inHelp(HELP.socat, /websocket/i),
        websocat: [{
          words: ["websocat", `ws://${at(peers.webSocket)}`],
          ...HELLO,
          holdInput: true,
          limitMs: 2_000,
          say: sayEcho,
        }],
        wait4x: inHelp(["wait4x", "--help"], /websocket/i),
      },
    },
    {
      question: "TLS, a certificate of an unknown authority",
      tries: {
        parley: [{ words: ["parley-client", "connect", `tls://${at(peers.tls)}`], ...TALK, say: sayTrust }],
        ncat: [
          { words: ["ncat", "--ssl", "127.0.0.1", peers.tls], ...TALK, say: sayTrust },
          {
            label: "with `--ssl-verify`: ",
            words: ["ncat", "--ssl-verify", "127.0.0.1", peers.tls],
            ...TALK,
            say: sayTrust,
          },
        ],
        socat: [{ words: ["socat", "-", `OPENSSL:${at(peers.tls)}`], ...TALK, say: sayTrust }],
        websocat: [{ words: ["websocat", "-b", "-", `ssl-connect:tcp:${at(peers.tls)}`], ...TALK, say: sayTrust }],
      },
    },
    {
      question: "does the certificate hold for 14 more days?",
      tries: {
        ...byHelp(/\bdays?\b|expir/i),
        parley: [{
          words: [
            "parley-client",
            "check",
            `tls://localhost:${peers.tls}`,
            "--tls-ca",
            peers.authority,
            "--min-days",
            "14",
          ],
          say: ({ code, stdout }) => code === 0 ? "yes" : `no: ${stdout.trim()}`,
        }],
      },
    },
    {
      question: "UDP, port closed",
      tries: udpTries(peers.refused, at(peers.refused)),
    },
    {
      question: "UDP, no answer within 2 s",
      tries: udpTries(peers.silentUdp, at(peers.silentUdp)),
    },
    {
      question: "results for programs (JSON)",
      tries: {
        ...byHelp(/--json\b/i),
        parley: [{
          words: ["parley-client", "check", at(peers.echo), "--json"],
          say: ({ stdout }) => JSON.parse(stdout).ok === true ? "yes" : "no",
        }],
      },
    },
    {
      question: "through an HTTP or SOCKS proxy",
      tries: {
        parley: [{
          words: [
            "parley-client",
            "send",
            at(peers.echo),
            "hello",
            "--expect",
            "hello",
            "--proxy",
            `socks5://127.0.0.1:${peers.proxy}`,
          ],
          say: ({ code }) => code === 0 ? "yes" : "no",
        }],
        ncat: inHelp(HELP.ncat, /--proxy-type/),
        socat: inHelp(HELP.socat, /socks4a/i),
        websocat: inHelp(HELP.websocat, /--socks5/),
        wait4x: inHelp(HELP.wait4x, /proxy/i),
      },
    },
  ];
}

function sayUp({ code, ...rest }: Outcome): string {
  return code === 0 ? "said to be up" : `not up, ${sayCode({ code, ...rest })}`;
}

function udpTries(port: string, address: string): Trial["tries"] {
  return {
    parley: [{ words: ["parley-udp", "send", `udp://${address}`, "hello", "--timeout", "2s"], say: sayCode }],
    ncat: [{ words: ["ncat", "-u", "-i", "2s", "127.0.0.1", port], ...HELLO, say: sayCode }],
    socat: [{ words: ["socat", "-t", "2", "-", `UDP:${address}`], ...HELLO, say: sayCode }],
    websocat: [{ words: ["websocat", "-b", "-", `udp:${address}`], ...HELLO, holdInput: true, say: sayCode }],
  };
}
