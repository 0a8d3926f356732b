/** Receives when messages were to be sent, when they were sent, and how many. */
export type OnMessages = (intendedMs: number, sentMs: number, count: number) => void;

/** The messages of one connection that have no answer yet, in order; those sent together share an entry. */
export class InFlight {
  #intended = new Float64Array(4);
  #sent = new Float64Array(4);
  #counts = new Float64Array(4);
  #head = 0;
  #entries = 0;
  #count = 0;
  #hasAnswers = false;

  /** Whether any message has been answered. */
  get hasAnswers(): boolean {
    return this.#hasAnswers;
  }

  /** How many messages are in flight. */
  get count(): number {
    return this.#count;
  }

  /** When the oldest of them was sent, in milliseconds; `undefined` when there is none. */
  get oldestMs(): number | undefined {
    return this.#entries === 0 ? undefined : this.#sent[this.#head];
  }

  /** `count` messages leave. */
  push(intendedMs: number, sentMs: number, count: number): void {
    if (this.#entries === this.#counts.length) this.#grow();
    const at = (this.#head + this.#entries) & (this.#counts.length - 1);
    this.#intended[at] = intendedMs;
    this.#sent[at] = sentMs;
    this.#counts[at] = count;
    this.#entries++;
    this.#count += count;
  }

  /** The oldest `count` messages are answered. */
  answer(count: number, onAnswered: OnMessages): void {
    this.#hasAnswers = true;
    this.#take(count, onAnswered);
  }

  /** None of them will be answered. */
  lose(onLost: OnMessages): void {
    this.#take(this.#count, onLost);
  }

  #take(count: number, onTaken: OnMessages): void {
    this.#count -= count;
    while (count > 0) {
      const at = this.#head;
      const here = this.#counts[at] ?? 0;
      const taken = Math.min(here, count);
      onTaken(this.#intended[at] ?? 0, this.#sent[at] ?? 0, taken);
      count -= taken;
      if (taken < here) {
        this.#counts[at] = here - taken;
      } else {
        this.#head = (at + 1) & (this.#counts.length - 1);
        this.#entries--;
      }
    }
  }

  #grow(): void {
    const capacity = this.#counts.length;
    const unrolled = (ring: Float64Array) => {
      const grown = new Float64Array(capacity * 2);
      grown.set(ring.subarray(this.#head));
      grown.set(ring.subarray(0, this.#head), capacity - this.#head);
      return grown;
    };
    this.#intended = unrolled(this.#intended);
    this.#sent = unrolled(this.#sent);
    this.#counts = unrolled(this.#counts);
    this.#head = 0;
  }
}
