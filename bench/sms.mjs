// The SMS bridge's numbers, beside Kannel on the same machine in the same run.
//   node bench/sms.mjs [--quick]       HOMEROOM_BRIDGE names the folder of the bridge's release build
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";
import { ROOT } from "../xtask/js/platform/config.mjs";
import { Problem } from "../xtask/js/platform/problem.mjs";
import { median, quantile } from "./lib/machine.mjs";
import { table } from "./lib/report.mjs";
import { Bridge } from "./sms/bridge.mjs";
import { Kannel, kannelVersion } from "./sms/kannel.mjs";
import { firstLine, freePort, listening, memory, output, start, stop } from "./sms/process.mjs";

const quick = process.argv.includes("--quick");
const rounds = quick ? 1 : 3;
const CONNECTIONS = 50;
const COUNT = quick
  ? { session: 100_000, latency: 5_000, accept: 20_000, chain: 10_000, queued: 20_000, memory: 250_000 }
  : { session: 400_000, latency: 10_000, accept: 50_000, chain: 30_000, queued: 100_000, memory: 1_000_000 };
const build = process.env.HOMEROOM_BRIDGE;
const scratch = join(ROOT, "target", "bench", "sms");
const say = (text) => console.error(`  … ${text}`);

try {
  await run();
} catch (error) {
  console.error(error instanceof Problem ? error.message : error.stack);
  process.exit(1);
}
process.exit(0);

async function run() {
  if (!build || !existsSync(join(build, "bridge"))) throw new Problem("HOMEROOM_BRIDGE names no release build of the bridge.");
  const peers = join(ROOT, "tests", "bridge");
  if (!existsSync(join(peers, "node_modules", "smpp"))) {
    await output("npm", ["ci", "--no-audit", "--no-fund"], { cwd: peers });
  }
  const kannel = await kannelVersion();
  const result = {
    date: new Date().toISOString(),
    quick,
    machine: { cpu: cpus()[0].model.trim(), cores: cpus().length, node: process.version, kannel },
    session: await sessions(),
    accept: await repeat("Accepting by REST", accept),
    chain: {
      bridge: [],
      kannel: [],
    },
  };
  for (let round = 1; round <= rounds; round++) {
    // In turn, so that both see the machine alike.
    for (const name of ["bridge", "kannel"]) {
      say(`From accept to delivered, ${name}, round ${round} of ${rounds}`);
      result.chain[name].push(await chain(name));
    }
  }
  result.start = await startDeep();
  result.memory = await memoryOverTime();
  print(result);
  mkdirSync(join(ROOT, "bench", "results"), { recursive: true });
  const path = join(ROOT, "bench", "results", "sms.json");
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`All numbers: ${path}`);
}

async function repeat(what, measure) {
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    say(`${what}, round ${round} of ${rounds}`);
    results.push(await measure());
  }
  return results;
}

/** submit_sm a second through one link, window 100, to centres that are not ours; and against a slow one. */
async function sessions() {
  const sessionRate = join(build, "examples", "session_rate");
  const rate = async (place, window, count) => {
    const text = await output(sessionRate, [place, String(window), String(count)]);
    const [, perSecond] = /^(\d+) messages\/s: \d+ taken, 0 not/.exec(text) ?? [];
    if (!perSecond) throw new Problem(`not every message was taken: ${text}`);
    return Number(perSecond);
  };
  const nodeSmpp = await repeat("One link to node-smpp", async () => {
    const centre = start("node", [join(ROOT, "tests", "bridge", "centre.mjs"), "-", "-", "quiet"]);
    const port = await firstLine(centre, "node-smpp");
    const perSecond = await rate(`127.0.0.1:${port}`, 100, COUNT.session);
    await stop(centre, "SIGKILL");
    return perSecond;
  });
  const smpp34 = await repeat("One link to smpp34", async () => {
    const port = await freePort();
    const centre = start(join(build, "examples", "smpp34_centre"), [String(port)]);
    await listening(port, centre, "smpp34");
    const perSecond = await rate(`127.0.0.1:${port}`, 100, COUNT.session);
    await stop(centre, "SIGKILL");
    return perSecond;
  });
  const latency = await repeat("One link at 200 ms", async () => (await rate("loopback:200", 100, COUNT.latency)) / (100 / 0.2));
  return { nodeSmpp, smpp34, latency };
}

/** Messages accepted a second at 50 connections, each on disk before its answer, and how long each took. */
async function accept() {
  const bridge = new Bridge(join(build, "bridge"), join(scratch, "accept"));
  // Nobody listens at the centre: only accepting is measured.
  await bridge.configure({ centre: await freePort(), listener: await freePort() });
  await bridge.start();
  const load = await send(bridge, COUNT.accept);
  await bridge.stop();
  return load;
}

/** Messages a second from the first request to the last one's webhook. */
async function chain(name) {
  const centre = start("node", [join(ROOT, "bench", "sms", "centre.mjs")]);
  const listener = start("node", [join(ROOT, "bench", "sms", "listener.mjs")]);
  const ports = { centre: await firstLine(centre, "node-smpp"), listener: await firstLine(listener, "the listener") };
  const folder = join(scratch, name);
  const gateway = name === "bridge" ? new Bridge(join(build, "bridge"), folder) : new Kannel(folder);
  await gateway.configure(ports);
  await gateway.start();
  await settle();
  const begin = performance.now();
  const load = await send(gateway, COUNT.chain);
  await delivered(ports.listener, COUNT.chain, name);
  const seconds = (performance.now() - begin) / 1000;
  await gateway.stop();
  await stop(centre, "SIGKILL");
  await stop(listener, "SIGKILL");
  return { accepted: load.perSecond, done: COUNT.chain / seconds };
}

async function delivered(port, count, name) {
  const end = performance.now() + 120_000 + count;
  for (;;) {
    const heard = Number(await fetch(`http://127.0.0.1:${port}/count`).then((answer) => answer.text()));
    if (heard >= count) return;
    if (performance.now() > end) throw new Problem(`${name}: ${heard} of ${count} messages were delivered`);
    await wait(20);
  }
}

/** Starting with a deep queue after a kill. */
async function startDeep() {
  say(`Starting with ${COUNT.queued} queued messages`);
  const bridge = new Bridge(join(build, "bridge"), join(scratch, "deep"));
  await bridge.configure({ centre: await freePort(), listener: await freePort() });
  await bridge.start();
  await send(bridge, COUNT.queued);
  const [millis, megabytes] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await bridge.stop("SIGKILL");
    millis.push(await bridge.start());
    megabytes.push(memory(bridge.process.pid));
  }
  await bridge.stop();
  return { queued: COUNT.queued, millis, megabytes };
}

/** Memory while messages go through, at each quarter. */
async function memoryOverTime() {
  say(`Memory over ${COUNT.memory} messages`);
  const centre = start("node", [join(ROOT, "bench", "sms", "centre.mjs")]);
  const listener = start("node", [join(ROOT, "bench", "sms", "listener.mjs")]);
  const ports = { centre: await firstLine(centre, "node-smpp"), listener: await firstLine(listener, "the listener") };
  const bridge = new Bridge(join(build, "bridge"), join(scratch, "memory"));
  await bridge.configure(ports);
  await bridge.start();
  const megabytes = [];
  const quarter = COUNT.memory / 4;
  for (let n = 0; n < 4; n++) {
    await send(bridge, quarter, n * quarter);
    await delivered(ports.listener, (n + 1) * quarter, "bridge");
    megabytes.push(memory(bridge.process.pid));
    say(`${(n + 1) * quarter} messages: ${megabytes[n].toFixed(0)} MB`);
  }
  await bridge.stop();
  await stop(centre, "SIGKILL");
  await stop(listener, "SIGKILL");
  return { messages: COUNT.memory, megabytes };
}

/** A program that has just started has things to do of its own. */
function settle() {
  return wait(500);
}

/** `count` messages over 50 connections that stay open; each connection waits for its answer. */
async function send(gateway, count, from = 0) {
  const pool = new Pool(gateway.origin, { connections: CONNECTIONS, pipelining: 1 });
  const latencies = [];
  let next = from;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < from + count) {
        const request = gateway.request(next++);
        const started = performance.now();
        const answer = await pool.request(request);
        const text = await answer.body.text();
        latencies.push(performance.now() - started);
        if (answer.statusCode >= 300) throw new Problem(`${request.path} answered ${answer.statusCode}: ${text}`);
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  await pool.close();
  return { perSecond: count / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

function print({ machine, session, accept: accepting, chain: { bridge, kannel }, start: deep, memory: grown }) {
  const whole = (value) => Math.round(value).toLocaleString("en").replaceAll(",", " ");
  const all = (values) => (values.length > 1 ? values.map(whole).join(", ") : "");
  const mark = (good) => (good ? "✓" : "✗");
  const of = (rows, name) => rows.map((row) => row[name]);
  const [done, peer] = [median(of(bridge, "done")), median(of(kannel, "done"))];
  const rate = median(of(accepting, "perSecond"));
  const p99 = median(of(accepting, "p99"));
  const [toNode, toSmpp34, latency] = [session.nodeSmpp, session.smpp34, session.latency].map(median);
  // The database's cache of 64 MB fills up first.
  const [before, last] = grown.megabytes.slice(-2);
  console.log(`\nThe bridge on ${machine.cpu}, ${machine.cores} cores shared with its peers; Kannel ${machine.kannel}\n`);
  console.log(
    table(["", "median", "target", "", "rounds"], [
      ["submit_sm a second to node-smpp, window 100", whole(toNode), "≥ 50 000", mark(toNode >= 50_000), all(session.nodeSmpp)],
      ["the same to smpp34", whole(toSmpp34), "≥ 100 000", mark(toSmpp34 >= 100_000), all(session.smpp34)],
      ["of window ÷ latency at 200 ms", `${(100 * latency).toFixed(1)} %`, "≥ 95 %", mark(latency >= 0.95), ""],
      ["accepted a second over REST, on disk, 50 connections", whole(rate), "≥ 5 000", mark(rate >= 5_000), all(of(accepting, "perSecond"))],
      ["time to the answer, p99", `${p99.toFixed(1)} ms`, "< 50 ms", mark(p99 < 50), ""],
      ["accept to webhook, messages a second", whole(done), "≥ 2 000", mark(done >= 2_000), all(of(bridge, "done"))],
      ["Kannel doing the same", whole(peer), "", "", all(of(kannel, "done"))],
      ["ours / Kannel", `${(done / peer).toFixed(2)}×`, "≥ 1.0×", mark(done >= peer), ""],
      [`start with ${whole(deep.queued)} queued`, `${whole(median(deep.millis))} ms`, "< 2 000 ms", mark(median(deep.millis) < 2_000), all(deep.millis)],
      [`memory over the last quarter of ${whole(grown.messages)} messages, one run`, `${whole(before)} → ${whole(last)} MB`, "flat", mark(last <= before * 1.05), all(grown.megabytes)],
    ]).join("\n"),
  );
}
