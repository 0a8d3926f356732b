/**
 * The connection to the server: opens it, opens it again when it is lost, and
 * notices when nothing comes any more.
 *
 * @module
 */

/** @import { ChatEvent, Request } from "./types.ts" */

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
/** With nothing heard for this long, the server is asked for something. */
const QUIET_MS = 30_000;
/** For the answer to that. */
const ANSWER_MS = 10_000;
/** The `id` of the request for a sign that the server is there. */
const ALIVE = "alive";
/** The server is going away, or restarts (RFC 6455, section 7.4.1, and its registry). */
const LEAVING_CODES = [1001, 1012];

/**
 * What the owner of a connection is told.
 *
 * @typedef {object} SocketListener
 * @property {() => void} opened
 * @property {(event: ChatEvent) => void} received
 * @property {(id: string) => Request} question Something short to ask the server, to see that it answers.
 * @property {(loss: Loss) => void} lost
 */

/**
 * How a connection was lost, and when the next is tried.
 *
 * @typedef {object} Loss
 * @property {number} waitMs
 * @property {boolean} isServerLeaving The server said that it was going, and has not been heard since.
 */

export class ChatSocket {
  #url;
  #listener;
  #create;
  #random;
  /** @type {WebSocket | undefined} */
  #socket;
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quietTimer;
  #isClosed = false;
  /** The server said that it was going, and has not been heard since. */
  #isServerLeaving = false;
  /** Whether a lost connection is opened again by itself. */
  retries = true;

  /**
   * @param {string} url
   * @param {SocketListener} listener
   * @param {{ create?: (url: string) => WebSocket, random?: () => number }} [options] What a test gives.
   */
  constructor(url, listener, { create = (to) => new WebSocket(to, "parley.v1"), random = Math.random } = {}) {
    this.#url = url;
    this.#listener = listener;
    this.#create = create;
    this.#random = random;
  }

  get isOpen() {
    return this.#socket?.readyState === 1;
  }

  /** Connects now, whatever wait is left. */
  connect() {
    if (this.#socket !== undefined || this.#isClosed) return;
    clearTimeout(this.#retryTimer);
    const socket = this.#create(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#listenForLife();
      this.#listener.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#listenForLife();
      // Only a server that lets us in ends the growing of the waits.
      this.#attempt = 0;
      this.#isServerLeaving = false;
      const event = JSON.parse(data);
      if (event.id !== ALIVE) this.#listener.received(event);
    };
    socket.onclose = ({ code }) => {
      if (LEAVING_CODES.includes(code)) this.#isServerLeaving = true;
      this.#lost(socket);
    };
  }

  /**
   * Sends an object; `false` when there is no connection.
   *
   * @param {Request} request
   */
  send(request) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  /** Ends it for good. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#quietTimer);
    this.#socket?.close(1000);
  }

  /** @param {WebSocket} socket */
  #lost(socket) {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    clearTimeout(this.#quietTimer);
    if (this.#isClosed || !this.retries) return;
    const waitMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempt) * (1 - this.#random() / 2);
    this.#attempt++;
    this.#retryTimer = setTimeout(() => this.connect(), waitMs);
    this.#listener.lost({ waitMs, isServerLeaving: this.#isServerLeaving });
  }

  /** A network that is gone says nothing: after a while the server is asked, and left if it does not answer. */
  #listenForLife() {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      this.send(this.#listener.question(ALIVE));
      this.#quietTimer = setTimeout(() => {
        const socket = this.#socket;
        socket?.close();
        // The closing handshake needs the network that is gone.
        if (socket) this.#lost(socket);
      }, ANSWER_MS);
    }, QUIET_MS);
  }
}
