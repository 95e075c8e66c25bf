// Refresh tokens when several requests hold the same one: tabs of one browser, a repeated request, a thief.
import { beforeAll, expect, test } from "vitest";
import { type Answer, Session, call, expectError, schoolAdministrator, slotOf, times, usePlatform } from "./platform";

const platform = usePlatform();
let admin: Session;
let slot: string;

beforeAll(async () => {
  slot = await slotOf(platform, platform.schools[0].slug);
});

const refresh = (token: string): Promise<Answer> =>
  call(platform, "POST", `${admin.origin}/api/v1/school/auth/refresh/`, { body: { refresh: token } });

const me = (token: string) => call(platform, "GET", `${admin.origin}/api/v1/school/auth/me/`, { token });

test("twenty refreshes at once with one token all get the same successor, and one family survives", async () => {
  admin = await schoolAdministrator(platform, platform.schools[0]);
  const answers = await Promise.all(times(20, () => refresh(admin.tokens.refresh)));
  expect(answers.map(({ status }) => status)).toEqual(times(20, () => 200));
  expect(new Set(answers.map(({ body }) => body.refresh)).size).toBe(1);
  for (const { body } of answers) expect((await me(body.access)).status).toBe(200);

  const [tokens] = await platform.execute(slot, [
    [
      `SELECT used_at IS NOT NULL AS used FROM refresh_tokens WHERE session_id =
         (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT 1)`,
      admin.user.id,
    ],
  ]);
  expect(tokens.map(({ used }) => used).sort(), "the exchanged token and one successor").toEqual([0, 1]);

  const second = await refresh(answers[0].body.refresh);
  expect(second.status, "the family goes on").toBe(200);
  expect(second.body.refresh).not.toBe(answers[0].body.refresh);
});

test("a token that comes again within the grace harms nothing; after it, the whole sign-in ends", async () => {
  admin = await schoolAdministrator(platform, platform.schools[0]);
  const first = await refresh(admin.tokens.refresh);
  const again = await refresh(admin.tokens.refresh);
  expect(again.body.refresh).toBe(first.body.refresh);

  // As if half a minute had gone by.
  const [changed] = await platform.execute(slot, [
    ["UPDATE refresh_tokens SET used_at = used_at - 31000 WHERE used_at IS NOT NULL RETURNING token_hash"],
  ]);
  expect(changed.length).toBeGreaterThan(0);
  expectError(await refresh(admin.tokens.refresh), 401, "invalid_refresh_token");
  expectError(await refresh(first.body.refresh), 401, "invalid_refresh_token");
  for (const token of [admin.tokens.access, first.body.access, again.body.access]) {
    expectError(await me(token), 401, "not_authenticated");
  }
});
