// The limiter forgets by itself: an object for every address that anybody ever mistyped would stay for ever otherwise.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { ROOT, startPlatform } from "../../xtask/js/platform.mjs";
import { type Platform, freshAddress, login, temporaryState } from "./platform";

// The release build in a world where the quarter of an hour that a failure counts is over after six seconds.
const CLOCK = `
const RealDate = Date;
let began;
const now = () => {
  const real = RealDate.now();
  began ??= real;
  return real - began < 4000 ? real - 15 * 60_000 + 6000 : real;
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
  expect(stored(), "the failure is stored").toBe(true);
  for (let waited = 0; waited < 15_000 && stored(); waited += 100) await setTimeout(100);
  expect(stored(), "and deleted").toBe(false);
  expect((await login(platform, platform.url, "system", person, freshAddress())).status, "it works on").toBe(401);
});

/** Whether a guard is in any file of the objects. */
function stored(): boolean {
  const folder = join(state, "v3", "do", "homeroom-limits-RateLimiter");
  return readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes("ceiling_full_at"));
}
