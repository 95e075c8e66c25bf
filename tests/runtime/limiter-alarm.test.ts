// The limiter forgets by itself: an object for every address that anybody ever mistyped would stay for ever otherwise.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { ROOT, startPlatform } from "../../xtask/js/platform.mjs";
import { until } from "./chain";
import { type Platform, freshAddress, login, temporaryState } from "./platform";

// The release build in a world where the quarter of an hour that a failure counts is over after twelve seconds.
const CLOCK = `
const RealDate = Date;
let began;
const now = () => {
  const real = RealDate.now();
  began ??= real;
  return real - began < 6000 ? real - 15 * 60_000 + 12_000 : real;
};
globalThis.Date = class extends RealDate {
  constructor(...of) { if (of.length > 0) super(...of); else super(now()); }
  static now() { return now(); }
};
`;

const state = temporaryState();
const build = mkdtempSync(join(tmpdir(), "homeroom-limits-"));
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
  for (const folder of [state, build]) rmSync(folder, { recursive: true, force: true });
});

test("what the limiter stored of failed attempts is deleted by its alarm when they no longer count", async () => {
  cpSync(join(ROOT, "functions", "limits", "build"), build, { recursive: true });
  const entry = join(build, "index.js");
  writeFileSync(entry, CLOCK + readFileSync(entry, "utf8"));
  platform = (await startPlatform({ state, builds: { limits: build } })) as Platform;

  const person = { email: "nobody@nowhere.test", password: "not the password" };
  expect((await login(platform, platform.url, "system", person, freshAddress())).status).toBe(401);
  expect(stored("ceiling_full_at"), "the failure is stored").toBe(1);
  await until(() => stored("ceiling_full_at"), (left) => left === 0);
  expect(stored("ceiling_full_at"), "and deleted").toBe(0);
  expect((await login(platform, platform.url, "system", person, freshAddress())).status, "it works on").toBe(401);
});

test("what an app has sent is counted by its own object, and deleted by the alarm once it makes no difference", async () => {
  await platform?.stop();
  platform = (await startPlatform({ state })) as Platform;
  await awayFromMidnight(90_000);
  const limits = { rate_per_second: 1, burst: 10, daily_parts: 100, monthly_parts: 1000 };
  const take = (app: number, messages: number, parts: number) =>
    ask(app, { op: "take", messages, parts, limits });

  // Messages without parts, as no real one is: the month forgets them as soon as the burst is full again.
  expect(await take(7, 10, 0)).toMatchObject({ outcome: "granted" });
  expect(await take(8, 1, 60)).toMatchObject({ outcome: "granted" });
  expect(await take(8, 1, 60)).toMatchObject({ outcome: "refused", limit: "day" });
  expect(await take(7, 5, 0)).toMatchObject({ outcome: "refused", limit: "rate" });
  expect(stored("burst_full_at"), "both are stored").toBe(2);
  await until(() => stored("burst_full_at"), (left) => left <= 1);
  expect(stored("burst_full_at"), "the one that the month needs stays").toBe(1);

  await platform.stop();
  platform = (await startPlatform({ state })) as Platform;
  expect(await take(8, 1, 60), "also over a restart").toMatchObject({ outcome: "refused", limit: "day" });
  expect(await take(8, 1, 40)).toMatchObject({ outcome: "granted" });
});

/** Waits for the next day in UTC, where this one does not last as long any more: what a day may take is counted anew then. */
async function awayFromMidnight(millis: number) {
  const left = 86_400_000 - (Date.now() % 86_400_000);
  if (left < millis) await setTimeout(left);
}

/** Asks the object of an app, as the area does. */
async function ask(app: number, request: unknown): Promise<unknown> {
  const objects = await platform!.mf.getDurableObjectNamespace("RATE_LIMITER", "homeroom-limits");
  const object = objects.get(objects.idFromName(`sms/quota/${app}`));
  const answer = await object.fetch("https://limits/quota", { method: "POST", body: JSON.stringify(request) });
  expect(answer.status).toBe(200);
  return answer.json();
}

/** In how many objects something of this name is stored. */
function stored(name: string): number {
  const folder = join(state, "v3", "do", "homeroom-limits-RateLimiter");
  const files = readdirSync(folder).filter((file) => contents(join(folder, file)).includes(name));
  return new Set(files.map((file) => file.split(".")[0])).size;
}

/** A file's bytes; none of one that SQLite has removed since it was listed, as it does with a journal. */
function contents(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
