// Nothing of one school reaches another: not by its credentials, and not through an isolate that serves both at once.
import { beforeAll, expect, test } from "vitest";
import { type Answer, Session, administrator, call, schoolAdministrator, times, usePlatform } from "./platform";
import { schoolRoutes } from "./routes";

const platform = usePlatform();
const CANARY = { greenwood: "canary-of-greenwood", riverside: "canary-of-riverside" } as Record<string, string>;
let a: Session;
let b: Session;
const people: Record<string, string> = {};

beforeAll(async () => {
  [a, b] = await Promise.all(platform.schools.map((school) => schoolAdministrator(platform, school)));
  for (const session of [a, b]) {
    const slug = slugOf(session);
    const person = { email: "same@everywhere.test", first_name: CANARY[slug], last_name: "Same" };
    people[slug] = (await session.do("POST", "users/", person)).id;
  }
});

const slugOf = (session: Session) => new URL(session.origin).hostname.split(".")[0];

test("a token, API key or refresh token of one school is refused by every route of another, named or not", async () => {
  const platformAdmin = await administrator(platform);
  const [school] = (await platformAdmin.do("GET", "schools/?schema_name=greenwood")).results;
  const key = (await platformAdmin.do("POST", "api-keys/", { name: "A's", client: school.id, scopes: ["school.*"] })).key;
  const home = await call(platform, "GET", `${a.origin}/api/v1/school/users/`, { headers: { "x-api-key": key } });
  expect(home.status, "the key opens its own school").toBe(200);

  const credentials = { token: { authorization: `Bearer ${a.tokens.access}` }, key: { "x-api-key": key } };
  const names = [{}, { "x-schema-name": "greenwood" }, { "x-schema-name": "riverside" }];
  const routes = schoolRoutes().filter(({ isOpen }) => !isOpen);
  expect(routes.length).toBeGreaterThan(25);
  for (const { method, path } of routes) {
    const url = b.origin + path.replace("{id}", people.riverside);
    for (const [kind, credential] of Object.entries(credentials)) {
      for (const name of names) {
        const answer = await call(platform, method, url, { headers: { ...credential, ...name } });
        expect([401, 403], `${method} ${path} by ${kind} with ${JSON.stringify(name)}`).toContain(answer.status);
        expect(answer.text).not.toContain("canary");
      }
    }
  }
  const refresh = `${b.origin}/api/v1/school/auth/refresh/`;
  for (const headers of names) {
    const answer = await call(platform, "POST", refresh, { body: { refresh: a.tokens.refresh }, headers });
    expect(answer.status).toBe(401);
  }
  const atHome = await call(platform, "POST", `${a.origin}/api/v1/school/auth/refresh/`, {
    body: { refresh: a.tokens.refresh },
  });
  expect(atHome.status, "what was tried elsewhere harmed nothing").toBe(200);
});

test("a school's token opens nothing on the platform, nor the platform's a school that nobody named", async () => {
  const platformAdmin = await administrator(platform);
  for (const path of ["schools/", "users/", "api-keys/", "audit-logs/", "auth/me/"]) {
    const answer = await call(platform, "GET", `${platform.url}/api/v1/system/${path}`, { token: a.tokens.access });
    expect(answer.status, path).toBe(401);
  }
  const users = `${a.origin}/api/v1/school/users/`;
  const unnamed = await call(platform, "GET", users, { token: platformAdmin.tokens.access });
  expect(unnamed.status).toBe(401);
  const named = { "x-schema-name": "greenwood" };
  const visiting = await call(platform, "GET", users, { token: platformAdmin.tokens.access, headers: named });
  expect(visiting.status).toBe(200);
});

test("two hundred requests that alternate between two schools at once each see their own school only", async () => {
  const paths = ["users/?search=same@everywhere.test", "users/", "auth/me/", "audit-logs/?table_name=users", "one"];
  const isOwn = async (session: Session, path: string) => {
    const slug = slugOf(session);
    const other = slug === "greenwood" ? "riverside" : "greenwood";
    const answer: Answer = await session.call("GET", path === "one" ? `users/${people[slug]}/` : path);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.text, `${path} of ${slug}`).not.toContain(other);
    expect(answer.text, `${path} of ${slug}`).toContain(path === "auth/me/" ? slug : CANARY[slug]);
    const foreign: Answer = await session.call("GET", `users/${people[other]}/`);
    expect(foreign.status).toBe(404);
  };
  await Promise.all(times(200, (index) => isOwn(index % 2 ? b : a, paths[Math.floor(index / 2) % paths.length])));
});
