// One client on one connection that stays open.
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "undici";
import { cpuMicros, isWaiting } from "./machine.mjs";

/** Looked at this often, a process that used less CPU than this in between has nothing left to do. */
const LOOK_MILLIS = 20;
const IDLE_MICROS = 400;
const PATIENCE_MILLIS = 10_000;

export function connect(origin, host) {
  const client = new Client(origin, { pipelining: 1, keepAliveTimeout: 1_000 });
  const { port } = new URL(origin);
  const common = { host: `${host}:${port}`, "cf-connecting-ip": "203.0.113.9", "user-agent": "bench" };
  return {
    async send({ method, path, headers, body }) {
      const answer = await client.request({ method, path, headers: { ...common, ...headers }, body });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, text };
    },
    close: () => client.close(),
  };
}

/** Sends requests one after the other; answers CPU per request and every latency, all in microseconds. */
export async function measure(client, pid, count, make) {
  await settle(pid);
  const latencies = [];
  const before = cpuMicros(pid);
  for (let n = 0; n < count; n++) {
    const request = make(n);
    const start = performance.now();
    const { status, text } = await client.send(request);
    latencies.push((performance.now() - start) * 1000);
    if (status >= 300) throw new Error(`${request.method} ${request.path} answered ${status}: ${text}`);
  }
  // What is done after the answer belongs to the request.
  await settle(pid);
  return { cpu: (cpuMicros(pid) - before) / count, latencies };
}

async function settle(pid) {
  const end = performance.now() + PATIENCE_MILLIS;
  let before = cpuMicros(pid);
  for (;;) {
    await wait(LOOK_MILLIS);
    const now = cpuMicros(pid);
    if (now - before < IDLE_MICROS && isWaiting(pid)) return;
    if (performance.now() > end) throw new Error("workerd does not come to rest");
    before = now;
  }
}
