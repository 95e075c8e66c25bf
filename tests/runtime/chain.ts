// The whole way of a text message: the built Workers and their queue, the bridge, and a message centre that this project did not write.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { ROOT, startPlatform } from "../../xtask/js/platform.mjs";
import { startBridge } from "../../xtask/js/platform/bridge.mjs";
import { freePort } from "../../xtask/js/platform/ports.mjs";
import { masterKeys } from "../../xtask/js/platform/state.mjs";
import { type Platform, type Row, call, temporaryState } from "./platform";

/** `cargo xtask` builds it and says where; without that it is where cargo leaves it. */
export const PROGRAM = process.env.HOMEROOM_BRIDGE ?? join(ROOT, "target", "debug", "bridge");
const PEERS = join(ROOT, "tests", "bridge");
const ADMIN_KEY = "a key of the runtime tests";

/** What may be on its way to the centre at a time; the local bridge's configuration says it. */
export const WINDOW = 10;
/** How long the centre takes to answer, so that kills find messages on their way. */
const LATENCY = 50;

/** A message as the centre took it. */
export type Taken = { id: string; destination: string; text: string; udh: string[] | null };

export class Chain {
  readonly platform = {} as Platform;
  readonly taken: Taken[] = [];
  readonly #state = temporaryState();
  #port = 0;
  #vars: Row = {};
  #centre!: ChildProcessWithoutNullStreams;
  #bridge!: Awaited<ReturnType<typeof startBridge>>;

  async start() {
    for (const [needed, remedy] of [
      [PROGRAM, "cargo build --package homeroom-bridge"],
      [join(PEERS, "node_modules", "smpp"), `npm ci --prefix ${PEERS}`],
    ]) {
      if (!existsSync(needed)) throw new Error(`${needed} is missing: run \`${remedy}\`, or \`cargo xtask test "runtime tests"\`.`);
    }
    this.#port = await freePort();
    this.#bridge = await startBridge({
      state: this.#state,
      program: PROGRAM,
      platform: `http://localhost:${this.#port}`,
      masterKeys: masterKeys(this.#state),
      port: 0,
      smsc: `127.0.0.1:${await this.#startCentre()}`,
    });
    this.#vars = { ...this.#bridge.bindings, SMS_ADMIN_KEY: ADMIN_KEY };
    await this.startRuntime();
  }

  async #startCentre(): Promise<number> {
    this.#centre = spawn("node", [join(PEERS, "centre.mjs"), "-", "-", String(LATENCY)]);
    this.#centre.stderr.on("data", (said) => console.error(`the message centre: ${said}`));
    const lines = createInterface({ input: this.#centre.stdout });
    const port = await new Promise<number>((done) => lines.once("line", (line) => done(Number(line))));
    lines.on("line", (line) => this.taken.push(JSON.parse(line)));
    return port;
  }

  /** A phone writes to the number 4711. */
  write(text: string) {
    this.#centre.stdin.write(`mo ${text}\n`);
  }

  async startRuntime() {
    Object.assign(this.platform, await startPlatform({ state: this.#state, port: this.#port, demo: true, vars: this.#vars }));
  }

  killRuntime = () => this.platform.kill();

  startBridge = () => this.#bridge.run();

  killBridge = () => this.#bridge.kill();

  async stop() {
    await Promise.all([this.platform.stop?.(), this.#bridge?.stop()]);
    this.#centre?.stdin.end();
    rmSync(this.#state, { recursive: true, force: true });
  }

  async admin(method: string, path: string, body: unknown): Promise<Row> {
    const url = `${this.platform.url}/api/v1/admin/${path}`;
    const answer = await call(this.platform, method, url, { body, headers: { "x-admin-key": ADMIN_KEY } });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.body;
  }

  /** A number that the bridge counts, by its name without the prefix. */
  async metric(name: string): Promise<number> {
    const text = await (await this.platform.fetch(this.#bridge.places.metrics)).text();
    const line = text.split("\n").find((line) => line.startsWith(`bridge_${name} `));
    return Number(line?.split(" ")[1]);
  }

  /** How often the centre took each text. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { text } of this.taken) counts.set(text, (counts.get(text) ?? 0) + 1);
    return counts;
  }

  /** Messages of the platform that did not end as they should yet, by status. */
  async open(): Promise<Row[]> {
    const open = "SELECT status, count(*) AS messages FROM sms_messages WHERE status <> 'DELIVERED' GROUP BY status";
    return (await this.platform.execute("CONTROL", [[open]]))[0];
  }

  /** What waits for the bridge waits long enough for the sweep. */
  async age() {
    const long = 150_000;
    const waits = "handed_at IS NULL AND status = 'ACCEPTED'";
    const age = `UPDATE sms_messages SET created_at = created_at - ?1, claimed_at = claimed_at - ?1 WHERE ${waits}`;
    await this.platform.execute("CONTROL", [[age, long]]);
  }
}

/** Starts a whole chain for the tests of one file. */
export function useChain(): Chain {
  const chain = new Chain();
  beforeAll(() => chain.start());
  afterAll(() => chain.stop());
  return chain;
}

/** Asks until the answer will do; the last one, where the time runs out. */
export async function until<T>(ask: () => Promise<T> | T, good: (answer: T) => boolean, seconds = 60): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; await setTimeout(100)) {
    const answer = await ask();
    if (good(answer) || Date.now() > end) return answer;
  }
}
