// The whole platform on this machine: every Worker, as its wrangler.toml says, on one workerd.
// Used by `cargo xtask dev`, by the runtime tests and by the benchmark.
import { createServer } from "node:net";
import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Log, LogLevel, Miniflare } from "miniflare";
import { Agent, fetch } from "undici";
import { startBridge } from "./platform/bridge.mjs";
import { ADMINISTRATOR, addAdministrator, addDemoSchools } from "./platform/accounts.mjs";
import { ROOT, readDatabases, readSchedules, readWorkers, workerOptions } from "./platform/config.mjs";
import { check, databaseWorker, databasesOnly, execute, prepare, started } from "./platform/databases.mjs";
import { loadHistory, publishHistory } from "./platform/history.mjs";
import { Problem } from "./platform/problem.mjs";
import { masterKeys, occupy, stored, workerds } from "./platform/state.mjs";

export { Problem, ROOT };

const HOST = "127.0.0.1";

/**
 * Reaches `*.localhost` where the system's resolver does not. Every request has a connection of its own: workerd ends an
 * idle one after five seconds, counted from before the work that it has just done, and that may be right away.
 */
const dispatcher = new Agent({
  pipelining: 0,
  connect: { lookup: (_, { all }, found) => (all ? found(null, [{ address: HOST, family: 4 }]) : found(null, HOST, 4)) },
});

/**
 * Starts the platform.
 *
 * - `state`: the folder that outlives the process (required)
 * - `port`: 0 takes any free one
 * - `demo`: also create the two demo schools
 * - `students`: fill them with three years of a school of so many students
 * - `bridge`: the bridge's program, to run it too, with a message centre
 * - `builds`: other build folders than functions/<area>/build, by area
 * - `vars`: variables added to every Worker's, or replacing them
 * - `log`: takes each line that the Workers write (default: <state>/platform.log)
 * - `announce`: takes the name of each step
 *
 * Answers `{ url, schoolUrl(slug), fetch(url, init), execute(binding, statements), scheduled(), administrator, schools,
 * mf, pid, bridge, kill(), stop() }`; `fetch` goes over HTTP, to `*.localhost` too.
 */
export async function startPlatform({ state, port = 0, demo = false, students = 0, bridge: program, builds, vars, log, announce = () => {} }) {
  state = resolve(state);
  const occupied = occupy(state);
  let mf;
  let bridge;
  let ended = false;
  // Its last lines may be read when it has ended, and then the folder may be gone.
  const keep = (line) => ended || appendFileSync(join(state, "platform.log"), `${line}\n`);
  try {
    const workers = readWorkers();
    const databases = readDatabases(workers);
    const secrets = { MASTER_KEYS: masterKeys(state) };
    await requireFree(port);
    if (program) {
      announce("Starting the bridge");
      bridge = await startBridge({ state, program, port, platform: `http://localhost:${port}`, masterKeys: secrets.MASTER_KEYS });
    }
    const options = workerOptions(workers, { secrets, builds, vars, own: { sms: bridge?.bindings } });
    await prepare(state, databases, announce);

    announce("Starting the Workers");
    const others = workerds();
    mf = new Miniflare({
      workers: [...options, databaseWorker(databases)],
      host: HOST,
      port,
      defaultPersistRoot: stored(state),
      log: new Log(LogLevel.NONE),
      handleRuntimeStdio: logTo(log ?? keep),
      cf: false,
    });
    const { port: taken } = await started(mf, state);
    const [pid] = workerds().filter((process) => !others.includes(process));
    occupied.runs(pid, ...(bridge?.pids ?? []));

    const platform = {
      mf,
      state,
      pid,
      url: `http://localhost:${taken}`,
      schoolUrl: (slug) => `http://${slug}.localhost:${taken}`,
      fetch: (url, init) => fetch(url, { dispatcher, redirect: "manual", ...init }),
      execute: (binding, statements) => execute(mf, state, binding, statements),
      administrator: ADMINISTRATOR,
      schools: [],
      bridge,
      /** Runs what is due every few minutes now. */
      scheduled: () => Promise.all(readSchedules(workers).map((schedule) => runSchedule(mf, schedule))),
      /** Ends workerd as a power cut would. */
      async kill() {
        process.kill(pid, "SIGKILL");
        await this.stop();
      },
      async stop() {
        await Promise.all([mf.dispose(), bridge?.stop()]);
        ended = true;
        occupied.leave();
      },
    };
    await check(mf, state, databases);
    await addAdministrator(platform);
    if (demo) {
      announce("Loading the demo schools");
      platform.schools = await addDemoSchools(platform);
    }
    if (students > 0) {
      announce(`Loading three years of ${students} students a school`);
      await loadHistory(platform, platform.schools, students);
      announce("Publishing report cards of past terms");
      await publishHistory(platform, platform.schools);
    }
    return platform;
  } catch (error) {
    await Promise.all([mf?.dispose().catch(() => {}), bridge?.stop()]);
    ended = true;
    occupied.leave();
    throw error;
  }
}

/** Brings the databases of a state up to date without starting the Workers; answers what the Workers need to know. */
export async function prepareState(state, announce = () => {}) {
  state = resolve(state);
  const occupied = occupy(state);
  try {
    const workers = readWorkers();
    await prepare(state, readDatabases(workers), announce);
    return { workers, secrets: { MASTER_KEYS: masterKeys(state) } };
  } finally {
    occupied.leave();
  }
}

/** Lends the databases of a state to `use(execute)`, without starting the Workers. */
export async function withDatabases(state, use) {
  await prepareState(state);
  state = resolve(state);
  const occupied = occupy(state);
  const mf = databasesOnly(state, readDatabases(readWorkers()));
  try {
    await started(mf, state);
    return await use((binding, statements) => execute(mf, state, binding, statements));
  } finally {
    await mf.dispose().catch(() => {});
    occupied.leave();
  }
}

/** Calls the scheduled handlers at their times until the process ends; Miniflare itself never does. */
export function keepSchedules(platform) {
  for (const schedule of readSchedules(readWorkers())) {
    const period = schedule.minutes * 60_000;
    setTimeout(() => {
      const run = () => runSchedule(platform.mf, schedule).catch((error) => console.error(String(error)));
      run();
      setInterval(run, period).unref();
    }, period - (Date.now() % period)).unref();
  }
}

async function runSchedule(mf, { worker, cron }) {
  return (await mf.getWorker(worker)).scheduled({ cron, scheduledTime: new Date() });
}

function logTo(take) {
  return (...streams) => {
    for (const stream of streams) createInterface({ input: stream }).on("line", take);
  };
}

function requireFree(port) {
  if (port === 0) return undefined;
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", (error) => {
      const taken = error.code === "EADDRINUSE";
      const why = taken ? "is taken by another program" : `cannot be used (${error.code})`;
      fail(new Problem(`Port ${port} ${why}: choose another with --port.`));
    });
    probe.listen(port, HOST, () => probe.close(() => done()));
  });
}
