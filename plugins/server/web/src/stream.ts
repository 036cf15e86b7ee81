/**
 * The one event stream of a browser, held by a shared worker for all its tabs: a browser opens only
 * six connections to a server that speaks HTTP/1.1, and a stream for each tab would use them up.
 */

import { Hub } from "./hub";
import type { ToWorker } from "./messages";

interface Shared {
  onconnect: (event: MessageEvent) => void;
}

const hub = new Hub();
(globalThis as unknown as Shared).onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  const tab = hub.add((message) => port.postMessage(message));
  port.onmessage = (told: MessageEvent<ToWorker>) => tab(told.data);
};
