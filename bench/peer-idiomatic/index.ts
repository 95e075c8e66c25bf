// The school area in Hono, form (b): as a Hono developer would write it. One D1 trip to authorise, one for data; effects
// on the platform's database straight after the answer.
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import { created, listOut, schoolOut, staffOut, userOut } from "../peer-common/answers";
import type { UserRow } from "../peer-common/answers";
import { askGuard, hashPassword, verifyPassword } from "../peer-common/bindings";
import type { Actor, Bindings, School, SignedIn } from "../peer-common/bindings";
import { bearer, clientIp, failed, hostName, lacking, notSignedIn, refuse, surrounding } from "../peer-common/http";
import { readLogin, readNewStaff, readNewUser, readPage } from "../peer-common/input";
import { Keys, newRefreshToken, uuidv7 } from "../peer-common/keys";
import { allows, expand } from "../peer-common/permissions";
import * as sql from "../peer-common/sql";

const SCHOOL_MILLIS = 2_000;
const SESSION_MILLIS = 30 * 24 * 3_600_000;

type Env = {
  Bindings: Bindings;
  Variables: { requestId: string; school: School; db: D1Database; keys: Keys; actor: Actor };
};

const schools = new Map<string, { since: number; school: School }>();
let keyRing: Keys | undefined;

/** The school of the request's host; remembered for two seconds, since every request needs it. */
const atSchool = createMiddleware<Env>(async (c, next) => {
  const host = hostName(c);
  const known = schools.get(host);
  let school = known && Date.now() - known.since < SCHOOL_MILLIS ? known.school : null;
  if (!school) {
    school = await c.env.CONTROL.prepare(sql.SCHOOL_BY_HOST).bind(host).first<School>();
    if (!school || ["deleted", "provisioning"].includes(school.status)) {
      throw refuse(404, "unknown_host", "There is no school at this address.");
    }
    if (school.status === "suspended") throw refuse(403, "school_suspended", "This school is suspended.");
    schools.set(host, { since: Date.now(), school });
  }
  c.set("school", school);
  c.set("db", c.env[school.slot] as D1Database);
  c.set("keys", (keyRing ??= new Keys(c.env.MASTER_KEYS)));
  await next();
});

/** Who is signed in, and whether they may. */
const signedIn = (permission?: string) =>
  createMiddleware<Env>(async (c, next) => {
    const claims = await c.var.keys.verify(bearer(c), c.var.school.id);
    if (!claims) throw notSignedIn();
    const user = await c.var.db.prepare(sql.SIGNED_IN).bind(claims.sid, claims.sub, Date.now()).first<SignedIn>();
    if (!user) throw notSignedIn();
    const permissions: string[] = JSON.parse(user.permissions);
    if (permission) {
      if (user.must_change_password) throw refuse(403, "password_change_required", "Change your password first.");
      if (!allows(permissions, permission)) throw lacking(permission);
    }
    c.set("actor", { id: user.id, name: user.name, permissions, mustChangePassword: user.must_change_password === 1 });
    await next();
  });

const app = new Hono<Env>().basePath("/api/v1/school");
app.onError(failed);
app.use(surrounding<Env>(), atSchool);

app.get("/auth/me/", signedIn(), async (c) => {
  const { actor, school, db } = c.var;
  const user = await db.prepare(sql.USER).bind(actor.id).first<UserRow>();
  if (!user) throw notSignedIn();
  return c.json({ ...userOut(user, school), school: schoolOut(school), permissions: expand(actor.permissions) });
});

app.get("/users/", signedIn("school.view_user"), async (c) => {
  const { page, page_size: size } = readPage((name) => c.req.query(name));
  const { db, school } = c.var;
  const [counted, rows] = await db.batch<UserRow & { count: number }>([
    db.prepare(sql.COUNT_USERS),
    db.prepare(sql.LIST_USERS).bind(size, (page - 1) * size),
  ]);
  const users = rows.results.map((row) => userOut(row, school));
  return c.json(listOut(c.req.url, page, size, counted.results[0].count, users));
});

app.post("/users/", signedIn("school.add_user"), async (c) => {
  const { actor, school, db, keys } = c.var;
  const { password, ...input } = readNewUser(await c.req.json());
  const now = Date.now();
  const row: UserRow = {
    ...input,
    id: uuidv7(now),
    must_change_password: input.must_change_password || password === undefined,
    last_login_at: null,
    created_at: now,
    updated_at: now,
    created_by: actor.id,
    roles: "[]",
    teacher_profile: null,
  };
  const temporary = password === undefined ? { temporary_password: crypto.randomUUID() } : {};
  const phc = await hashPassword(c.env, password ?? String(temporary.temporary_password));
  await db.batch([
    db
      .prepare(sql.INSERT_USER)
      .bind(row.id, row.email, row.phone_number, row.first_name, row.last_name, phc, Number(row.is_active),
        Number(row.must_change_password), now, actor.id),
    audit(c, "users", row.id, { ...row, roles: [] }, now),
  ]);
  const identifiers = [row.email, row.phone_number].filter((identifier) => identifier !== null);
  const announced = Promise.all(identifiers.map((identifier) => keys.identifierHash(identifier))).then((hashes) =>
    c.env.CONTROL.batch(
      hashes.map((hash) => c.env.CONTROL.prepare(sql.UPSERT_DIRECTORY).bind(hash, school.id, row.id, 1, now)),
    ),
  );
  c.executionCtx.waitUntil(announced);
  return c.json({ ...userOut(row, school), ...temporary }, 201, { location: `/api/v1/school/users/${row.id}/` });
});

app.post("/staff/", signedIn("school.add_staff"), async (c) => {
  const { actor, school, db } = c.var;
  const now = Date.now();
  const input = readNewStaff(await c.req.json());
  const row = { id: uuidv7(now), ...input, created_at: now, updated_at: now, created_by: actor.id };
  await db.batch([
    db
      .prepare(sql.INSERT_STAFF)
      .bind(row.id, row.user, row.staff_number, row.title, row.position, row.department, row.hired_on,
        Number(row.is_active), now, actor.id),
    audit(c, "staff", row.id, row, now),
  ]);
  c.executionCtx.waitUntil(c.env.CONTROL.prepare(sql.SET_PROGRESS).bind(school.id, "completed").run());
  return c.json(staffOut(row), 201, { location: `/api/v1/school/staff/${row.id}/` });
});

app.post("/auth/login/", async (c) => {
  const { school, db, keys } = c.var;
  const login = readLogin(await c.req.json());
  const guard = `${school.id}/login/${await keys.identifierHash(login.email)}`;
  const ip = clientIp(c);
  const attempt = await askGuard(c.env, guard, "begin", ip);
  if (attempt.outcome === "refused") {
    throw refuse(429, "too_many_attempts", `Too many failed attempts. Try again in ${attempt.retry_after} seconds.`);
  }
  const user = await db.prepare(sql.CREDENTIALS).bind(login.email).first<UserRow & { password_hash: string }>();
  const { matches, rehash } = await verifyPassword(c.env, login.password, user?.password_hash ?? null);
  if (!user || !matches) throw refuse(401, "invalid_credentials", "Invalid credentials.");
  await askGuard(c.env, guard, "succeed", ip);
  if (!user.is_active) throw refuse(403, "account_inactive", "This account is deactivated.");
  const now = Date.now();
  const sid = uuidv7(now);
  const access = await keys.sign({ sub: user.id, sid }, school.id, now);
  const refresh = await newRefreshToken();
  await db.batch([
    db
      .prepare(sql.INSERT_SESSION)
      .bind(sid, user.id, now, now + SESSION_MILLIS, ip, c.req.header("user-agent")?.slice(0, 200) ?? null,
        user.password_hash),
    db.prepare(sql.REFUSE_UNCHANGED),
    db.prepare(sql.INSERT_REFRESH_TOKEN).bind(refresh.digest, sid, now),
    db.prepare(sql.NOTE_LOGIN).bind(user.id, now, rehash),
  ]);
  return c.json({ access, refresh: refresh.token, user: userOut({ ...user, last_login_at: now }, school) });
});

function audit(c: Context<Env>, table: string, id: string, record: Record<string, unknown>, now: number) {
  const { actor, requestId, db } = c.var;
  return db
    .prepare(sql.INSERT_AUDIT)
    .bind(uuidv7(now), "user", actor.id, actor.name, "CREATE", table, id, created(record), clientIp(c), requestId, now);
}

export default app;
