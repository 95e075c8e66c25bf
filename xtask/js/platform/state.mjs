// What a local platform keeps between two starts, besides its databases: the keys, and who is running it.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Problem } from "./problem.mjs";

/** Databases and objects lie where wrangler's `--persist-to` would put them, so both can use one state. */
export const stored = (state) => join(state, "v3");

export function masterKeys(state) {
  const path = join(state, "master-keys");
  let keys = readIfPresent(path)?.trim();
  if (keys === undefined) {
    keys = `k1:${randomBytes(32).toString("base64url")}`;
    writeFileSync(path, `${keys}\n`, { mode: 0o600 });
  }
  if (!keys.split(",").every((key) => /^[A-Za-z0-9_-]+:[A-Za-z0-9_-]{43}$/.test(key))) {
    throw new Problem(`${path} does not hold keys any more: ${startAgain(state)}`);
  }
  return keys;
}

export const startAgain = (state) => `restore it, or start afresh with \`rm -r ${state}\`.`;

/** Makes this process the only one that runs on the state. */
export function occupy(state) {
  mkdirSync(state, { recursive: true });
  const path = join(state, "running.json");
  const [owner, workerd] = readPids(path);
  const alone = owner === process.pid && workerd === undefined;
  if (owner !== undefined && !alone && commandOf(owner).includes("node")) {
    throw new Problem(
      `A platform already runs on ${state} (process ${owner}): end it with \`cargo xtask dev --stop ${state}\`.`,
    );
  }
  // Its owner was killed: it would go on to hold the databases.
  if (workerd !== undefined && commandOf(workerd).includes("workerd")) process.kill(workerd, "SIGKILL");
  const write = (...pids) => writeFileSync(path, JSON.stringify({ pids: [process.pid, ...pids] }));
  write();
  return { runs: write, leave: () => rmSync(path, { force: true }) };
}

/** Ends the platform that runs on the state; answers whether there was one. */
export async function evict(state) {
  const [owner, workerd, ...bridge] = readPids(join(state, "running.json"));
  const ofPlatform = [[owner, "node"], [workerd, "workerd"], ...bridge.map((pid) => [pid, "bridge"])].filter(
    ([pid]) => pid !== undefined,
  );
  const alive = () => ofPlatform.filter(([pid, command]) => commandOf(pid).includes(command)).map(([pid]) => pid);
  if (alive().length === 0) return false;
  if (alive().includes(owner)) process.kill(owner, "SIGTERM");
  for (let waited = 0; waited < 10_000 && alive().length > 0; waited += 50) await setTimeout(50);
  for (const pid of alive()) process.kill(pid, "SIGKILL");
  for (const name of ["running.json", "ready.json"]) rmSync(join(state, name), { force: true });
  return true;
}

function readPids(path) {
  try {
    return JSON.parse(readIfPresent(path) ?? "{}").pids ?? [];
  } catch {
    // Cut short by a power cut: whoever wrote it is gone.
    return [];
  }
}

/** The workerd processes that this process has started. */
export function workerds() {
  return children().filter((pid) => commandOf(pid).includes("workerd"));
}

function children() {
  if (process.platform !== "linux") {
    const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
    return rows.map((row) => row.trim().split(/\s+/).map(Number)).flatMap(([pid, of]) => (of === process.pid ? [pid] : []));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => new RegExp(`^PPid:\\s+${process.pid}$`, "m").test(readIfPresent(`/proc/${pid}/status`) ?? ""))
    .map(Number);
}

function commandOf(pid) {
  if (process.platform === "linux") return (readIfPresent(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ");
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}

export function readIfPresent(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(error.code)) return undefined;
    throw error;
  }
}
