/**
 * The connection to the server: opens it, opens it again when it is lost, and
 * notices when nothing comes any more.
 *
 * @module
 */

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 15_000;
/** With nothing heard for this long, the server is asked for something. */
const QUIET_MS = 30_000;
/** For the answer to that. */
const ANSWER_MS = 10_000;

/**
 * Emits `open`, `event` (detail: the object that came) and `down` (detail:
 * `{ attempt, waitMs }`).
 */
export class ChatSocket extends EventTarget {
  #url;
  #create;
  #random;
  /** @type {WebSocket | undefined} */
  #socket;
  #attempt = 0;
  #retryTimer;
  #quietTimer;
  #isClosed = false;
  /** Whether a lost connection is opened again by itself. */
  retries = true;

  /**
   * @param {string} url
   * @param {{ create?: (url: string) => WebSocket, random?: () => number }} [options] What a test gives.
   */
  constructor(url, { create = (to) => new WebSocket(to, "parley.v1"), random = Math.random } = {}) {
    super();
    this.#url = url;
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
      this.dispatchEvent(new Event("open"));
    };
    socket.onmessage = ({ data }) => {
      this.#listenForLife();
      // Only a server that lets us in ends the growing of the waits.
      this.#attempt = 0;
      this.dispatchEvent(new CustomEvent("event", { detail: JSON.parse(data) }));
    };
    socket.onclose = () => this.#lost(socket);
  }

  /** Sends an object; `false` when there is no connection. */
  send(object) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(object));
    return true;
  }

  /** Ends it for good. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#quietTimer);
    this.#socket?.close(1000);
  }

  #lost(socket) {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    clearTimeout(this.#quietTimer);
    if (this.#isClosed || !this.retries) return;
    const waitMs = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempt) * (1 - this.#random() / 2);
    this.#attempt++;
    this.#retryTimer = setTimeout(() => this.connect(), waitMs);
    this.dispatchEvent(new CustomEvent("down", { detail: { attempt: this.#attempt, waitMs } }));
  }

  /** A network that is gone says nothing: after a while the server is asked, and left if it does not answer. */
  #listenForLife() {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      this.send({ type: "rooms" });
      this.#quietTimer = setTimeout(() => {
        const socket = this.#socket;
        socket?.close();
        // The closing handshake needs the network that is gone.
        if (socket) this.#lost(socket);
      }, ANSWER_MS);
    }, QUIET_MS);
  }
}
