// Where the school area and its peer spend their CPU, by function:
//   node bench/profile.mjs [route]
// Functions of the WebAssembly have numbers here: what is deployed carries no names.
import { Problem } from "../xtask/js/platform/problem.mjs";
import { WebSocket } from "undici";
import { WORKERS, bundlePeers, startArena } from "./lib/arena.mjs";
import { connect } from "./lib/load.mjs";
import { routes } from "./lib/requests.mjs";
import { prepareWorld, tidy } from "./lib/world.mjs";

const REQUESTS = 1_000;
const SHOWN = 25;
const route = process.argv[2] ?? "list";

const say = (text) => console.error(`  … ${text}`);
await bundlePeers();
const world = await prepareWorld(say);
if (!routes(world)[route]) throw new Problem(`The routes are ${Object.keys(routes(world)).join(", ")}.`);
for (const contestant of ["ours", "same"]) {
  const arena = await startArena(world.state, { inspectorPort: 0 });
  const client = connect(arena.origins[contestant], world.host);
  try {
    const { make, before } = routes(world)[route];
    before?.();
    let sent = 0;
    const next = () => make(sent++);
    const send = async (count) => {
      for (let n = 0; n < count; n++) await client.send(next());
    };
    await send(300);
    const profiler = await attach(await arena.inspector, WORKERS[contestant]);
    await profiler.call("Profiler.enable");
    await profiler.call("Profiler.setSamplingInterval", { interval: 100 });
    await profiler.call("Profiler.start");
    await send(REQUESTS);
    const { profile } = await profiler.call("Profiler.stop");
    profiler.close();
    await tidy(arena, world);
    print(contestant, profile);
  } finally {
    await client.close();
    await arena.stop();
  }
}

async function attach(inspector, worker) {
  const targets = await (await fetch(`http://${inspector.host}/json`)).json();
  const target = targets.find(({ id }) => id.includes(worker));
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  let last = 0;
  const waiting = new Map();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
  };
  return {
    call: (method, params = {}) =>
      new Promise((resolve) => {
        waiting.set(++last, resolve);
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    close: () => socket.close(),
  };
}

function print(contestant, { nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split("/").at(-1)}:${callFrame.lineNumber}`]));
  const spent = new Map();
  samples.forEach((id, n) => spent.set(names.get(id), (spent.get(names.get(id)) ?? 0) + timeDeltas[n]));
  const busy = [...spent].filter(([name]) => !/^\((idle|root)\)/.test(name)).sort(([, a], [, b]) => b - a);
  const total = busy.reduce((sum, [, micros]) => sum + micros, 0);
  console.log(`\n${contestant}, ${route}: ${(total / REQUESTS).toFixed(0)} µs per request in the isolate`);
  for (const [name, micros] of busy.slice(0, SHOWN)) {
    console.log(`${(micros / REQUESTS).toFixed(1).padStart(8)} µs  ${name.slice(0, 150)}`);
  }
}
