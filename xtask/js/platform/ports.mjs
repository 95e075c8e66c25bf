// Ports for those who have to know theirs before they listen.
import { createServer } from "node:net";

const HOST = "127.0.0.1";
/**
 * Below all that systems give to connections and to who asks for any port: between the look at one of those and the listening, or while its
 * listener is started anew, anybody may be given it. Above those that `fetch` refuses.
 */
const [FIRST, COUNT] = [11_000, 20_000];
let next = Math.floor(Math.random() * COUNT);

/** A port that nobody listens on, and each time another: the preferred one, where that is free. */
export async function freePort(preferred) {
  if (preferred && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < COUNT; tries += 1) {
    next = (next + 1) % COUNT;
    if (await isFree(FIRST + next)) return FIRST + next;
  }
  throw new Error(`No port from ${FIRST} to ${FIRST + COUNT - 1} is free.`);
}

function isFree(port) {
  return new Promise((done) => {
    const probe = createServer();
    probe.once("error", () => done(false));
    probe.listen(port, HOST, () => probe.close(() => done(true)));
  });
}
