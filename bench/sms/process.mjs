// Programs that a measurement needs: started, waited for, ended.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../xtask/js/platform/problem.mjs";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program; what it says on stderr is told if it ends by itself. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  running.add(child);
  let said = "";
  child.stderr?.on("data", (data) => (said = (said + data).slice(-4_000)));
  child.on("error", () => {});
  child.on("exit", () => running.delete(child));
  child.said = () => said;
  return child;
}

export async function stop(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

/** The first line that a program prints. */
export async function firstLine(child, name) {
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(() => {
      throw new Problem(`${name} ended: ${child.said()}`);
    }),
  ]);
  return line;
}

/** What a program prints until it ends. */
export async function output(program, args, options) {
  const child = start(program, args, options);
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Problem(`${program} ${args.join(" ")}: ${child.said()}`);
  return text;
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Milliseconds until a port takes connections. */
export async function listening(port, child, name, patience = 30_000) {
  const begin = performance.now();
  for (;;) {
    const taken = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    const passed = performance.now() - begin;
    if (taken) return passed;
    if (child.exitCode !== null) throw new Problem(`${name} ended: ${child.said()}`);
    if (passed > patience) throw new Problem(`${name} does not listen on ${port}: ${child.said()}`);
    await wait(2);
  }
}

/** Megabytes of memory that a process has. */
export function memory(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) / 1_000;
}
