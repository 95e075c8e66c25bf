// One client on one connection that stays open.
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "undici";
import { cpuMicros, quantile } from "./machine.mjs";

const SETTLE_MILLIS = 60;

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

/** Sends requests one after the other; answers CPU per request and the latencies, all in microseconds. */
export async function measure(client, pid, count, make) {
  await wait(SETTLE_MILLIS);
  const millis = new Float64Array(count);
  const before = cpuMicros(pid);
  for (let n = 0; n < count; n++) {
    const request = make(n);
    const start = performance.now();
    const { status, text } = await client.send(request);
    millis[n] = performance.now() - start;
    if (status >= 300) throw new Error(`${request.method} ${request.path} answered ${status}: ${text}`);
  }
  // What is done after the answer belongs to the request.
  await wait(SETTLE_MILLIS);
  const cpu = (cpuMicros(pid) - before) / count;
  return { cpu, p50: quantile(millis, 0.5) * 1000, p99: quantile(millis, 0.99) * 1000 };
}
