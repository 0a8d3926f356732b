import { type Reload, ReloadSignal } from "../../src/cli/reload_signal.ts";

/** SIGHUP without a signal. */
export class Reloads extends ReloadSignal {
  readonly all: Reload[] = [];

  override add(reload: Reload): void {
    this.all.push(reload);
  }

  async run(): Promise<void> {
    for (const reload of this.all) await reload();
  }
}
