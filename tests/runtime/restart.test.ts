// What outlives the process.
import { rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { startPlatform } from "../../xtask/js/platform.mjs";
import { type Platform, Session, administrator, call, expectError, freshAddress, login, schoolAdministrator, temporaryState } from "./platform";

const state = temporaryState();
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
  rmSync(state, { recursive: true, force: true });
});

test("sign-ins, lockouts and data are there again after a restart with the state kept", async () => {
  platform = (await startPlatform({ state, demo: true })) as Platform;
  const [school] = platform.schools;
  const sessions = [await administrator(platform), await schoolAdministrator(platform, school)];
  const user = await sessions[1].do("POST", "users/", { email: "kept@greenwood.test", first_name: "K", last_name: "T", password: "kept for long" });
  const address = freshAddress();
  const wrong = () => login(platform!, platform!.schoolUrl(school.slug), "school", { ...school.admin, password: "wrong one" }, address);
  for (const status of [401, 401, 429, 429]) expect((await wrong()).status).toBe(status);
  await platform.stop();

  platform = (await startPlatform({ state, demo: true })) as Platform;
  const origins = [platform.url, platform.schoolUrl(school.slug)];
  for (const [i, { area, tokens, user }] of sessions.entries()) {
    const again = new Session(platform, origins[i], area, tokens, user);
    expect((await again.do("GET", "auth/me/")).id).toBe(user.id);
    const refreshed = await call(platform, "POST", `${origins[i]}/api/v1/${area}/auth/refresh/`, { body: { refresh: tokens.refresh } });
    expect(refreshed.status, refreshed.text).toBe(200);
  }
  const there = new Session(platform, origins[1], "school", sessions[1].tokens, sessions[1].user);
  expect(await there.do("GET", `users/${user.id}/`)).toEqual(user);
  expectError(await wrong(), 429, "too_many_attempts");
});
