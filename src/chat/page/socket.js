/**
 * The connection to the server: opens it, reconnects when it is lost, and detects a silent one.
 *
 * @module
 */

/** @import { ChatEvent, Request } from "./types.ts" */

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
/** Silence after which a request is sent as a keep-alive. */
const QUIET_MS = 30_000;
/** Time limit for the response. */
const ANSWER_MS = 10_000;
/** The `id` of the keep-alive request. */
const ALIVE = "alive";
/** Close codes: going away, service restart (RFC 6455, section 7.4.1, and its registry). */
const LEAVING_CODES = [1001, 1012];

/**
 * Callbacks of a connection.
 *
 * @typedef {object} SocketListener
 * @property {() => void} opened
 * @property {(event: ChatEvent) => void} received
 * @property {(id: string) => Request} question Creates a short keep-alive request.
 * @property {(loss: Loss) => void} lost
 */

/**
 * Details of a lost connection and the next attempt.
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
   * @param {{ create?: (url: string) => WebSocket, random?: () => number }} [options] Dependencies for tests.
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

  /** Connects now, without waiting. */
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
      // The delay is reset only after a successful admission.
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
   * Sends an object; `false` if not connected.
   *
   * @param {Request} request
   */
  send(request) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  /** Closes it permanently. */
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

  /** A lost network is silent: after a while a keep-alive is sent, and the connection is closed without a response. */
  #listenForLife() {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      this.send(this.#listener.question(ALIVE));
      this.#quietTimer = setTimeout(() => {
        const socket = this.#socket;
        socket?.close();
        // A closing handshake would need the lost network.
        if (socket) this.#lost(socket);
      }, ANSWER_MS);
    }, QUIET_MS);
  }
}
