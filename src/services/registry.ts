import type { ServiceEntry } from "./service.ts";

/** Every service of `parley-server`, in the order of `--help`. */
export const SERVICES: readonly ServiceEntry[] = [
  {
    name: "chat",
    summary: "rooms for people and programs",
    example: { words: "chat", does: "for http://127.0.0.1:8765/ and nc 127.0.0.1 8028" },
    load: async () => (await import("./chat.ts")).chat,
  },
  {
    name: "echo",
    summary: "send back what is received",
    example: { words: "echo", does: "echo on 127.0.0.1:8888" },
    load: async () => (await import("./echo.ts")).echo,
  },
  {
    name: "greet",
    summary: "send a greeting, wait for one reply, log it, close",
    example: { words: "greet", does: "greet on 127.0.0.1:8028 and log each client's reply" },
    load: async () => (await import("./greet.ts")).greet,
  },
  {
    name: "reply",
    summary: "send a canned reply on connect, per message or per request",
    example: { words: "reply --text 'echo: {message}'", does: "answer each line on 127.0.0.1:8888" },
    load: async () => (await import("./reply.ts")).reply,
  },
  {
    name: "exec",
    summary: "run a program for each client",
    example: { words: "exec :8888 -- bc -l", does: "a calculator for each client of 127.0.0.1:8888" },
    load: async () => (await import("./exec.ts")).exec,
  },
  {
    name: "proxy",
    summary: "connect clients to targets, by SOCKS 5 and HTTP CONNECT",
    example: { words: "proxy", does: "a SOCKS 5 and HTTP proxy on 127.0.0.1:1080" },
    load: async () => (await import("./proxy.ts")).proxy,
  },
  {
    name: "discard",
    summary: "discard what is received",
    example: { words: "discard", does: "discard on 127.0.0.1:9009 (RFC 863)" },
    load: async () => (await import("./standard.ts")).discard,
  },
  {
    name: "chargen",
    summary: "send characters endlessly",
    example: { words: "chargen", does: "send characters on 127.0.0.1:9019 (RFC 864)" },
    load: async () => (await import("./standard.ts")).chargen,
  },
  {
    name: "daytime",
    summary: "send the date and time in UTC as text, then close",
    example: { words: "daytime", does: "send the time on 127.0.0.1:9013 (RFC 867)" },
    load: async () => (await import("./standard.ts")).daytime,
  },
  {
    name: "time",
    summary: "send the seconds since 1900 in 4 bytes, then close",
    example: { words: "time", does: "send the time on 127.0.0.1:9037 (RFC 868)" },
    load: async () => (await import("./standard.ts")).time,
  },
];
