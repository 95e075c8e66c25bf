// CPU time of a process, and a core for each side where the machine has two.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Problem } from "../../xtask/js/platform/problem.mjs";

/** Microseconds of CPU that a process and its threads have used, in user and kernel mode, to the nanosecond. */
export function cpuMicros(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
    return threads.reduce((sum, path) => sum + Number(readFileSync(path, "utf8").split(" ")[0]), 0) / 1000;
  } catch {
    throw new Problem("The benchmark reads CPU time from /proc: run it on Linux.");
  }
}

/** Whether a process waits for something to do, rather than for a core. */
export function isWaiting(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the command, may hold spaces.
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("S");
}

/** workerd on one core and the load on another; answers whether that was possible. */
export function separate(pid) {
  if (availableParallelism() < 2) return false;
  try {
    for (const [core, of] of [[0, pid], [1, process.pid]]) {
      execFileSync("taskset", ["-a", "-c", "-p", String(core), String(of)], { stdio: "ignore" });
    }
    return true;
  } catch {
    return false;
  }
}

export const median = (values) => quantile(values, 0.5);

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}
