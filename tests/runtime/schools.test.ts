// The life of a school: claimed, suspended, deleted, restored, with other requests under way.
import { beforeAll, expect, test } from "vitest";
import { Session, administrator, call, expectError, schoolAdministrator, tally, times, usePlatform } from "./platform";
import { schoolRoutes } from "./routes";

const platform = usePlatform();
let admin: Session;

beforeAll(async () => {
  admin = await administrator(platform);
});

test("of twenty schools created at once, each gets a database of its own, and those beyond the pool a clear 503", async () => {
  const [[{ free }]] = await platform.execute("CONTROL", [["SELECT count(*) AS free FROM slots WHERE tenant_id IS NULL"]]);
  expect(free).toBe(14);
  const people = times(20, (i) => ({ email: `head@school${i}.test`, first_name: `Head${i}`, last_name: "L", password: "one of twenty" }));
  const answers = await Promise.all(
    people.map((person, i) =>
      admin.call("POST", "schools/", { name: `School ${i}`, schema_name: `school${i}`, code: `S${i}`, admin: person }),
    ),
  );
  expect(tally(answers.map(({ status }) => status))).toEqual({ 201: 14, 503: 6 });
  for (const answer of answers.filter(({ status }) => status === 503)) {
    expectError(answer, 503, "no_free_database");
    expect(answer.body.detail).toContain("cargo xtask slots add");
  }
  const [slots] = await platform.execute("CONTROL", [
    ["SELECT slots.binding, tenants.slot, schema_name, status FROM tenants LEFT JOIN slots ON slots.tenant_id = tenants.id"],
  ]);
  expect(slots.length).toBe(16);
  expect(new Set(slots.map(({ slot }) => slot)).size).toBe(16);
  for (const row of slots) expect(row).toMatchObject({ binding: row.slot, status: "active" });

  await Promise.all(
    answers.map(async ({ status }, i) => {
      const origin = platform.schoolUrl(`school${i}`);
      if (status === 201) {
        const head = await Session.start(platform, origin, "school", people[i]);
        const { results } = await head.do("GET", "users/");
        expect(results.map(({ email }: any) => email), "nobody else's database").toEqual([people[i].email]);
      } else {
        const answer = await call(platform, "GET", `${origin}/api/v1/school/users/`);
        expectError(answer, 404, "unknown_host");
      }
    }),
  );
});

test("a suspended school answers 403 on every route from the moment of the answer, until it is activated", async () => {
  const [greenwood, riverside] = await Promise.all(platform.schools.map((school) => schoolAdministrator(platform, school)));
  const { id } = (await admin.do("GET", "schools/?schema_name=greenwood")).results[0];
  // Keeps what the isolate knows of the school warm until the last moment.
  let suspended = false;
  const visitor = (async () => {
    while (!suspended) await greenwood.call("GET", "auth/me/");
  })();
  expect(await admin.do("POST", `schools/${id}/suspend/`)).toMatchObject({ status: "suspended", is_active: false });
  const routes = schoolRoutes();
  const answers = await Promise.all(
    routes.map(({ method, path }) =>
      call(platform, method, greenwood.origin + path.replace("{id}", id), { token: greenwood.tokens.access }),
    ),
  );
  suspended = true;
  await visitor;
  answers.forEach((answer, i) => {
    expect([routes[i].method, routes[i].path, answer.status, answer.headers.get("x-error-code")]).toEqual([
      routes[i].method,
      routes[i].path,
      403,
      "school_suspended",
    ]);
  });
  const users = (origin: string, token: string, headers = {}) =>
    call(platform, "GET", `${origin}/api/v1/school/users/`, { token, headers });
  const named = { "x-schema-name": "greenwood" };
  expectError(await users(platform.url, admin.tokens.access, named), 403, "school_suspended");
  expectError(await users(greenwood.origin, admin.tokens.access, named), 403, "school_suspended");
  expect((await users(riverside.origin, riverside.tokens.access)).status, "other schools").toBe(200);
  expect((await admin.do("GET", `schools/${id}/usage/`)).users, "nothing was deleted").toBe(3);

  expect(await admin.do("POST", `schools/${id}/activate/`)).toMatchObject({ status: "active", is_active: true });
  expect((await users(greenwood.origin, greenwood.tokens.access)).status).toBe(200);
});

test("a deleted school is nowhere, and restoring it brings everything back", async () => {
  const riverside = await schoolAdministrator(platform, platform.schools[1]);
  const { id } = (await admin.do("GET", "schools/?schema_name=riverside")).results[0];
  const before = await riverside.do("GET", "users/");
  expect((await admin.call("DELETE", `schools/${id}/`)).status).toBe(204);
  expectError(await riverside.call("GET", "users/"), 404, "unknown_host");
  const taken = { name: "Another", schema_name: "riverside", code: "AN", admin: { email: "a@b.test", first_name: "A", last_name: "B" } };
  const again = await admin.call("POST", "schools/", taken);
  expectError(again, 400, "invalid");
  expect(again.body, "the slug is taken for ever").toHaveProperty("schema_name");

  expect(await admin.do("POST", `schools/${id}/restore/`)).toMatchObject({ status: "active", deleted_at: null });
  expect(await riverside.do("GET", "users/")).toEqual(before);
});
