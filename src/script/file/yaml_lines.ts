import { EVENT_ID, getScalarValue, parseEvents } from "js-yaml";

/** Line numbers of a YAML text by path. */
export class YamlLines {
  readonly #lines = new Map<string, number>();

  /** The text must be valid YAML. */
  constructor(text: string) {
    const walk = new Walk(text, (path, line) => this.#lines.set(JSON.stringify(path), line));
    for (const event of parseEvents(text, {})) walk.take(event);
  }

  /** The line of a path, or of its nearest existing ancestor. */
  lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }
}

type OnFound = (path: readonly PropertyKey[], line: number) => void;

type Event = ReturnType<typeof parseEvents>[number];

/** An open collection; `next` is the index of its next item, or the key of its next value. */
interface Open {
  readonly isSequence: boolean;
  readonly path: readonly PropertyKey[];
  next: PropertyKey | undefined;
}

class Walk {
  readonly #text: string;
  readonly #found: OnFound;
  readonly #open: Open[] = [];
  #countedTo = 0;
  #line = 1;

  constructor(text: string, found: OnFound) {
    this.#text = text;
    this.#found = found;
  }

  take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.#open.push({ isSequence: false, path: [], next: undefined });
        break;
      case EVENT_ID.POP:
        this.#open.pop();
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const isSequence = event.type === EVENT_ID.SEQUENCE;
        this.#open.push({ isSequence, path: this.#enter(event.start), next: isSequence ? 0 : undefined });
        break;
      }
      case EVENT_ID.SCALAR:
        this.#scalar(event);
        break;
      case EVENT_ID.ALIAS:
        this.#enter(event.anchorStart);
    }
  }

  #scalar(event: Extract<Event, { valueStart: number }>): void {
    const top = this.#open.at(-1);
    const isKey = this.#open.length > 1 && top !== undefined && !top.isSequence && top.next === undefined;
    if (!isKey) {
      this.#enter(event.valueStart);
      return;
    }
    top.next = getScalarValue(this.#text, event);
    // A value is found by its key.
    this.#found([...top.path, top.next], this.#lineAt(event.valueStart));
  }

  /** The path of the value that starts here. */
  #enter(start: number): readonly PropertyKey[] {
    const top = this.#open.at(-1);
    if (top === undefined || this.#open.length === 1) return [];
    const path = top.next === undefined ? top.path : [...top.path, top.next];
    if (top.isSequence) this.#found(path, this.#lineAt(start));
    top.next = typeof top.next === "number" ? top.next + 1 : undefined;
    return path;
  }

  /** Events are in text order, so each line end is counted once. */
  #lineAt(offset: number): number {
    for (; this.#countedTo < offset; this.#countedTo++) {
      if (this.#text[this.#countedTo] === "\n") this.#line++;
    }
    return this.#line;
  }
}
