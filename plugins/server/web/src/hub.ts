/** Who wants to hear of what, and one stream for each entity that somebody looks at. */

import { AGAIN_MILLISECONDS, type ToPage, type ToWorker } from "./messages";
import { Source } from "./source";

type Tell = (message: ToPage) => void;

interface Tab {
  stream: string;
  logs: string[];
  visible: boolean;
  heard: number;
}

export class Hub {
  readonly #tabs = new Map<Tell, Tab>();
  readonly #sources = new Map<string, Source>();

  constructor() {
    setInterval(() => this.#forgetSilent(), AGAIN_MILLISECONDS);
  }

  /** Hear a tab; gives what takes its messages. */
  add(tell: Tell): (message: ToWorker) => void {
    return (message) => {
      if (message.kind === "bye") {
        this.#tabs.delete(tell);
        this.#settle();
        return;
      }
      const { stream, logs, visible } = message;
      const isNew = this.#tabs.get(tell)?.stream !== stream;
      this.#tabs.set(tell, { stream, logs, visible, heard: Date.now() });
      if (isNew) this.#sources.get(stream)?.renew();
      this.#settle();
      const source = this.#sources.get(stream);
      if (isNew && source) tell(source.state());
    };
  }

  #forgetSilent(): void {
    for (const [tell, tab] of this.#tabs) {
      if (Date.now() - tab.heard > 4 * AGAIN_MILLISECONDS) this.#tabs.delete(tell);
    }
    this.#settle();
  }

  /** Open, widen and close streams, so that there is one for each entity that is looked at. */
  #settle(): void {
    for (const stream of new Set([...this.#tabs.values()].map((tab) => tab.stream))) {
      if (!this.#sources.has(stream)) {
        this.#sources.set(stream, new Source(stream, (message) => this.#tell(stream, message)));
      }
    }
    for (const [stream, source] of this.#sources) {
      const tabs = [...this.#tabs.values()].filter((tab) => tab.stream === stream && tab.visible);
      const logs = [...new Set(tabs.flatMap((tab) => tab.logs))].sort();
      if (tabs.length) source.open(logs);
      else source.close();
    }
  }

  #tell(stream: string, message: ToPage): void {
    for (const [tell, tab] of this.#tabs) {
      if (tab.stream !== stream) continue;
      if (message.kind === "log" && !tab.logs.includes(message.log.item)) continue;
      tell(message);
    }
  }
}
