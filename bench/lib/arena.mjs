// One workerd with the school area and its peers on the same databases, each reached directly on a socket of its own.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import { ROOT, readDatabases, readWorkers, workerOptions } from "../../xtask/js/platform/config.mjs";
import { databaseWorker, execute, started } from "../../xtask/js/platform/databases.mjs";
import { masterKeys, stored, workerds } from "../../xtask/js/platform/state.mjs";

export const BUILD = join(ROOT, "target", "bench");
const HOST = "127.0.0.1";
const OURS = "homeroom-school";
const socket = { unsafeDirectSockets: [{ host: HOST, port: 0 }] };

/** Contestants by the name of their Worker. */
export const WORKERS = {
  ours: OURS,
  same: "bench-peer-same",
  idiomatic: "bench-peer-idiomatic",
  gateway: "homeroom-gateway",
  passwords: "homeroom-passwords",
};

/** Bundles the peers as a Hono project would be. */
export async function bundlePeers() {
  rmSync(BUILD, { recursive: true, force: true });
  mkdirSync(BUILD, { recursive: true });
  for (const form of ["same", "idiomatic"]) {
    await build({
      entryPoints: [join(ROOT, "bench", `peer-${form}`, "index.ts")],
      outfile: join(BUILD, `peer-${form}`, "index.js"),
      bundle: true,
      minify: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2022",
      loader: { ".txt": "text" },
      nodePaths: [join(ROOT, "node_modules")],
      logLevel: "error",
    });
  }
}

/**
 * Starts workerd on a prepared state.
 *
 * - `counted`: wraps the contestants so that they report their D1 statements at /__statements
 * - `only`: leaves out all contestants but this one, for the first request of a fresh process
 * - `inspectorPort`: lets a profiler in; 0 for any free port
 */
export async function startArena(state, { counted = false, only, inspectorPort } = {}) {
  const workers = readWorkers();
  const databases = readDatabases(workers);
  const options = workerOptions(workers, { secrets: { MASTER_KEYS: masterKeys(state) } });
  for (const worker of options) delete worker.assets;
  const school = options.find(({ name }) => name === OURS);
  for (const form of ["same", "idiomatic"]) {
    const folder = join(BUILD, `peer-${form}`);
    options.push({
      ...school,
      name: `bench-peer-${form}`,
      modulesRoot: folder,
      modules: [{ type: "ESModule", path: join(folder, "index.js") }],
    });
  }
  const contestants = Object.values(WORKERS);
  const bound = ["homeroom-documents", "homeroom-limits", "homeroom-passwords"];
  const left = options.filter(({ name }) => !only || bound.includes(name) || name === WORKERS[only]);
  const present = left.map((worker) => {
    const direct = contestants.includes(worker.name) ? { ...worker, ...socket } : worker;
    const isCounted = counted && (worker.name === OURS || worker.name.startsWith("bench-"));
    return isCounted ? countedForm(direct) : direct;
  });

  const others = workerds();
  const mf = new Miniflare({
    workers: [...present, databaseWorker(databases)],
    host: HOST,
    defaultPersistRoot: stored(state),
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.resume()),
    cf: false,
    ...(inspectorPort !== undefined && { inspectorPort }),
  });
  await started(mf, state);
  const [pid] = workerds().filter((process) => !others.includes(process));
  const origins = {};
  for (const [contestant, name] of Object.entries(WORKERS)) {
    if (present.some((worker) => worker.name === name)) {
      origins[contestant] = (await mf.unsafeGetDirectURL(name)).origin;
    }
  }
  return {
    pid,
    origins,
    inspector: inspectorPort === undefined ? undefined : mf.getInspectorURL(),
    execute: (binding, statements) => execute(mf, state, binding, statements),
    stop: () => mf.dispose(),
  };
}

function countedForm(worker) {
  const wrapper = `
import inner from "./index.js";
${COUNTING}
export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/__statements") return Response.json(take());
    const answer = await inner.fetch(request, counting(env), ctx);
    awaited = completed;
    return answer;
  },
};`;
  return {
    ...worker,
    modules: [
      { type: "ESModule", path: join(worker.modulesRoot, "counted.js"), contents: wrapper },
      ...worker.modules,
    ],
  };
}

const COUNTING = `
let trips = [], completed = 0, awaited = 0, wrapped;
function take() {
  const taken = { trips, awaited };
  [trips, completed, awaited] = [[], 0, 0];
  return taken;
}
async function made(name, sql, trip) {
  trips.push([name, sql]);
  const result = await trip;
  completed += 1;
  return result;
}
const counting = (env) => (wrapped ??= Object.fromEntries(Object.entries(env).map(([name, value]) =>
  [name, value?.constructor?.name === "D1Database" ? database(name, value) : value])));
function database(name, raw) {
  const self = {
    prepare: (sql) => statement(name, sql, raw.prepare(sql)),
    batch: (list) => made(name, list.map(({ sql }) => sql), raw.batch(list.map(({ raw }) => raw))),
  };
  if (raw.withSession) self.withSession = (constraint) => database(name, raw.withSession(constraint));
  if (raw.getBookmark) self.getBookmark = () => raw.getBookmark();
  return self;
}
function statement(name, sql, raw) {
  const trip = (method) => (...args) => made(name, [sql], raw[method](...args));
  return { sql, raw, bind: (...values) => statement(name, sql, raw.bind(...values)),
    all: trip("all"), first: trip("first"), run: trip("run") };
}`;
