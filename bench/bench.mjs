// Homeroom's school area beside two Hono peers, on one workerd and one machine:
//   node bench/bench.mjs [--quick]
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "../xtask/js/platform/config.mjs";
import { Problem } from "../xtask/js/platform/problem.mjs";
import { WORKERS, bundlePeers, startArena } from "./lib/arena.mjs";
import { compare } from "./lib/compare.mjs";
import { connect, measure } from "./lib/load.mjs";
import { cpuMicros, median, quantile, separate } from "./lib/machine.mjs";
import { print } from "./lib/report.mjs";
import { routes } from "./lib/requests.mjs";
import { prepareWorld, readVersion, tidy } from "./lib/world.mjs";

const quick = process.argv.includes("--quick");
const only = process.argv.find((word) => word.startsWith("--routes="))?.slice(9).split(",");
// Many short turns: what else the machine does then meets everyone alike.
const rounds = quick ? 7 : 25;
const WARM = quick ? 300 : 1_500;
const CONTESTANTS = ["ours", "same", "idiomatic", "gateway"];
const say = (text) => console.error(`  … ${text}`);

try {
  await run();
} catch (error) {
  console.error(error instanceof Problem ? error.message : error.stack);
  process.exit(1);
}

async function run() {
  await bundlePeers();
  const world = await prepareWorld(say);
  const trips = await checkAnswers(world);
  const timed = await time(world, trips);
  const firstRequest = await firstRequests(world);
  const result = {
    date: new Date().toISOString(),
    quick,
    rounds,
    machine: { cpu: cpus()[0].model.trim(), workerd: readVersion("workerd", ROOT), hono: readVersion("hono", ROOT) },
    ...timed,
    firstRequest,
    wasm: wasmSizes(),
  };
  console.log();
  print(result);
  const path = join(ROOT, "bench", "results", "latest.json");
  mkdirSync(join(ROOT, "bench", "results"), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`All numbers: ${path}`);
}

async function checkAnswers(world) {
  say("Comparing answers and statements");
  const arena = await startArena(world.state, { counted: true });
  try {
    const { trips, differences } = await compare(arena, world);
    await tidy(arena, world);
    if (differences.length > 0) {
      throw new Problem(`The peers do not do the same as the school area:\n\n${differences.join("\n\n")}`);
    }
    return trips;
  } finally {
    await arena.stop();
  }
}

async function time(world, trips) {
  const arena = await startArena(world.state);
  const clients = Object.fromEntries(
    Object.entries(arena.origins).map(([contestant, origin]) => [contestant, connect(origin, world.host)]),
  );
  try {
    const separated = separate(arena.pid);
    say(separated ? "workerd has a core of its own" : "workerd and the load share the cores");
    const table = Object.entries(routes(world)).filter(([name]) => !only || only.includes(name));
    for (const contestant of CONTESTANTS) {
      const { me, list } = routes(world);
      await measure(clients[contestant], arena.pid, WARM, me.make);
      await measure(clients[contestant], arena.pid, WARM / 3, list.make);
    }
    const measured = {};
    for (const [name, route] of table) {
      say(`Timing: ${route.title}`);
      measured[name] = { title: route.title, trips: trips[name], ...(await timeRoute(arena, clients, world, route)) };
    }
    say("Timing: one Argon2id");
    const argon2 = await timeArgon2(arena, clients.passwords, world);
    const login = measured.login && { cpu: measured.login.cpu.ours };
    return { separated, routes: measured, argon2, login: login && { ...login, ratio: login.cpu / argon2 } };
  } finally {
    for (const client of Object.values(clients)) await client.close();
    await arena.stop();
  }
}

async function timeRoute(arena, clients, world, { requests, make, before }) {
  before?.();
  const done = [];
  const latencies = Object.fromEntries(CONTESTANTS.map((contestant) => [contestant, []]));
  let sent = 0;
  const next = () => make(sent++);
  for (let round = 0; round < rounds; round++) {
    const cpu = {};
    for (const contestant of shuffled(CONTESTANTS)) {
      await measure(clients[contestant], arena.pid, 3, next);
      const turn = await measure(clients[contestant], arena.pid, requests, next);
      cpu[contestant] = turn.cpu;
      latencies[contestant].push(...turn.latencies);
    }
    await tidy(arena, world);
    done.push(cpu);
  }
  const ratio = (form) => median(done.map((cpu) => cpu.ours / cpu[form]));
  return {
    cpu: Object.fromEntries(CONTESTANTS.map((form) => [form, median(done.map((cpu) => cpu[form]))])),
    ratio: { same: ratio("same"), idiomatic: ratio("idiomatic"), gateway: ratio("gateway") },
    latency: Object.fromEntries(
      CONTESTANTS.map((form) => [form, { p50: quantile(latencies[form], 0.5), p99: quantile(latencies[form], 0.99) }]),
    ),
    rounds: done,
  };
}

/** Nobody always comes first, nor after the same one. */
function shuffled(list) {
  return list.map((item) => [Math.random(), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
}

async function timeArgon2(arena, client, world) {
  const body = JSON.stringify({ op: "verify", password: world.signIn.password, phc: world.passwordHash });
  const make = () => ({ method: "POST", path: "/", headers: {}, body });
  const done = [];
  for (let round = 0; round < rounds; round++) {
    done.push(await measure(client, arena.pid, 6, make));
  }
  return median(done.map(({ cpu }) => cpu));
}

/** A process of its own for every try; its start is compared with that of one that has no contestant. */
async function firstRequests(world) {
  const tries = quick ? 3 : 7;
  const forms = ["nobody", "ours", "same", "idiomatic"];
  const seen = Object.fromEntries(forms.map((form) => [form, []]));
  for (let attempt = 0; attempt < tries; attempt++) {
    say(`First requests of fresh processes: ${attempt + 1} of ${tries}`);
    for (const form of forms) {
      const arena = await startArena(world.state, { only: form });
      try {
        const startCpu = cpuMicros(arena.pid) / 1000;
        if (form === "nobody") {
          seen[form].push({ startCpu });
          continue;
        }
        // The databases are awake: elsewhere they are not part of this process.
        for (const binding of ["CONTROL", world.slot]) await arena.execute(binding, [["select 1"]]);
        const client = connect(arena.origins[form], world.host);
        const start = performance.now();
        const { status } = await client.send(routes(world).me.make());
        seen[form].push({ startCpu, request: performance.now() - start });
        await client.close();
        if (status !== 200) throw new Error(`the first request of ${WORKERS[form]} answered ${status}`);
      } finally {
        await arena.stop();
      }
    }
  }
  const base = median(seen.nobody.map(({ startCpu }) => startCpu));
  return Object.fromEntries(
    forms.slice(1).map((form) => [
      form,
      {
        request: median(seen[form].map(({ request }) => request)),
        startCpu: median(seen[form].map(({ startCpu }) => startCpu)) - base,
      },
    ]),
  );
}

function wasmSizes() {
  const sizes = {};
  for (const area of readdirSync(join(ROOT, "functions")).sort()) {
    sizes[area] = gzipSync(readFileSync(join(ROOT, "functions", area, "build", "index_bg.wasm")), { level: 9 }).length;
  }
  return sizes;
}
