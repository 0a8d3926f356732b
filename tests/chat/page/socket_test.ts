import { assertEquals } from "@std/assert";
import { ChatSocket } from "../../../src/chat/page/socket.js";

/** What the page uses of a WebSocket, driven by hand. */
class FakeWebSocket {
  readyState = 0;
  readonly sent: string[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};
  onclose: (event: { code: number }) => void = () => {};

  send(text: string): void {
    this.sent.push(text);
  }

  open(): void {
    this.readyState = 1;
    this.onopen();
  }

  close(code = 1006): void {
    this.readyState = 3;
    this.onclose({ code });
  }
}

function connected() {
  const sockets: FakeWebSocket[] = [];
  const told: unknown[] = [];
  const socket = new ChatSocket("ws://127.0.0.1/", {
    opened: () => void told.push("opened"),
    received: ({ type }) => void told.push(type),
    question: (id) => ({ type: "rooms", id }),
    lost: (loss) => void told.push(loss),
  }, {
    create() {
      sockets.push(new FakeWebSocket());
      return sockets.at(-1) as unknown as WebSocket;
    },
    random: () => 0,
  });
  socket.connect();
  const now = () => sockets.at(-1) ?? new FakeWebSocket();
  now().open();
  return { socket, told, now, [Symbol.dispose]: () => socket.close() };
}

Deno.test("ChatSocket waits longer after each loss, until the server responds", () => {
  using chat = connected();
  chat.now().close();
  for (let tries = 0; tries < 6; tries++) {
    chat.socket.connect();
    chat.now().close();
  }
  chat.socket.connect();
  chat.now().open();
  chat.now().onmessage({ data: `{"type":"welcome"}` });
  chat.now().close();
  const waits = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].map((waitMs) => ({ waitMs, isServerLeaving: false }));
  assertEquals(chat.told, ["opened", ...waits, "opened", "welcome", { waitMs: 500, isServerLeaving: false }]);
});

for (const code of [1001, 1012]) {
  Deno.test(`ChatSocket remembers a server that closed with ${code} until it responds`, () => {
    using chat = connected();
    chat.now().close(code);
    chat.socket.connect();
    chat.now().close();
    chat.socket.connect();
    chat.now().open();
    chat.now().onmessage({ data: `{"type":"welcome"}` });
    chat.now().close();
    const losses = chat.told.filter((each) => typeof each === "object");
    assertEquals(losses, [
      { waitMs: 500, isServerLeaving: true },
      { waitMs: 1_000, isServerLeaving: true },
      { waitMs: 500, isServerLeaving: false },
    ]);
  });
}

Deno.test("ChatSocket sends nothing while disconnected, and reports it", () => {
  using chat = connected();
  assertEquals(chat.socket.send({ type: "rooms" }), true);
  assertEquals(chat.now().sent, [`{"type":"rooms"}`]);
  chat.now().close();
  assertEquals(chat.socket.send({ type: "rooms" }), false);
});
