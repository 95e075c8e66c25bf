// The school area in Hono, form (a): the same statements in the same batches, the same caches, D1 Sessions.
import { Hono } from "hono";
import type { Context } from "hono";
import { created, listOut, schoolOut, staffOut, userOut } from "../peer-common/answers";
import type { StaffRow, UserRow } from "../peer-common/answers";
import { askGuard, hashPassword, verifyPassword } from "../peer-common/bindings";
import type { Actor, Bindings, School, SignedIn } from "../peer-common/bindings";
import { bearer, clientIp, failed, hostName, lacking, notSignedIn, refuse, surrounding } from "../peer-common/http";
import { readLogin, readNewStaff, readNewUser, readPage } from "../peer-common/input";
import { Keys, newRefreshToken, uuidv7 } from "../peer-common/keys";
import { allows, expand } from "../peer-common/permissions";
import * as sql from "../peer-common/sql";

const SCHOOL_MILLIS = 2_000;
const ACTOR_MILLIS = 3_000;
const MAX_ENTRIES = 4_096;
const SESSION_MILLIS = 30 * 24 * 3_600_000;

type Env = { Bindings: Bindings; Variables: { requestId: string; school: School; db: D1DatabaseSession; now: number } };

let keys: Keys;
const schools = new Map<string, { since: number; school: School }>();
const actors = new Map<string, { since: number; school: string; ends: number; actor: Actor }>();

const app = new Hono<Env>();
app.onError(failed);
app.use(surrounding<Env>());

app.use("/api/v1/school/*", async (c, next) => {
  keys ??= new Keys(c.env.MASTER_KEYS);
  c.set("now", Date.now());
  const school = await findSchool(c);
  c.set("school", school);
  const database = c.env[school.slot] as D1Database;
  const db = database.withSession(c.req.method === "GET" ? "first-unconstrained" : "first-primary");
  c.set("db", db);
  await next();
  const bookmark = db.getBookmark();
  if (bookmark) c.header("x-d1-bookmark", bookmark);
});

async function findSchool(c: Context<Env>): Promise<School> {
  const host = hostName(c);
  const known = schools.get(host);
  if (known && c.get("now") - known.since < SCHOOL_MILLIS) return known.school;
  const control = c.env.CONTROL.withSession("first-unconstrained");
  const { results } = await control.prepare(sql.SCHOOL_BY_HOST).bind(host).all<School>();
  const school = results[0];
  if (!school || school.status === "deleted" || school.status === "provisioning") {
    throw refuse(404, "unknown_host", "There is no school at this address.");
  }
  if (school.status === "suspended") throw refuse(403, "school_suspended", "This school is suspended.");
  schools.set(host, { since: c.get("now"), school });
  return school;
}

async function identify(c: Context<Env>, permission?: string): Promise<Actor> {
  const actor = await findActor(c);
  if (permission) {
    if (actor.mustChangePassword) throw refuse(403, "password_change_required", "Change your password first.");
    if (!allows(actor.permissions, permission)) throw lacking(permission);
  }
  return actor;
}

/** A token that was verified for this school a moment ago is believed, as in the school area. */
async function findActor(c: Context<Env>): Promise<Actor> {
  const { id: school } = c.get("school");
  const now = c.get("now");
  const token = bearer(c);
  const seen = actors.get(token);
  if (seen && seen.school === school && now - seen.since < ACTOR_MILLIS && seen.ends > now) return seen.actor;
  const claims = await keys.verify(token, school);
  if (!claims) throw notSignedIn();
  const { results } = await c.get("db").prepare(sql.SIGNED_IN).bind(claims.sid, claims.sub, now).all<SignedIn>();
  const [user] = results;
  if (!user) throw notSignedIn();
  const actor = {
    id: user.id,
    name: user.name,
    permissions: JSON.parse(user.permissions),
    mustChangePassword: user.must_change_password === 1,
  };
  if (actors.size >= MAX_ENTRIES) actors.clear();
  actors.set(token, { since: now, school, ends: claims.exp * 1000, actor });
  return actor;
}

app.get("/api/v1/school/auth/me/", async (c) => {
  const actor = await identify(c);
  const { results } = await c.get("db").prepare(sql.USER).bind(actor.id).all<UserRow>();
  const school = c.get("school");
  const user = userOut(results[0], school);
  return c.json({ ...user, school: schoolOut(school), permissions: expand(actor.permissions) });
});

app.get("/api/v1/school/users/", async (c) => {
  await identify(c, "school.view_user");
  const { page, page_size: size } = readPage((name) => c.req.query(name));
  const db = c.get("db");
  const [counted, rows] = await db.batch([
    db.prepare(sql.COUNT_USERS),
    db.prepare(sql.LIST_USERS).bind(size, (page - 1) * size),
  ]);
  const [{ count }] = counted.results as { count: number }[];
  const users = (rows.results as UserRow[]).map((row) => userOut(row, c.get("school")));
  return c.json(listOut(c.req.url, page, size, count, users));
});

app.post("/api/v1/school/users/", async (c) => {
  const actor = await identify(c, "school.add_user");
  const { password, ...input } = readNewUser(await c.req.json());
  const now = c.get("now");
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
  const db = c.get("db");
  const statements = [
    db
      .prepare(sql.INSERT_USER)
      .bind(row.id, row.email, row.phone_number, row.first_name, row.last_name, phc, Number(row.is_active),
        Number(row.must_change_password), now, actor.id),
    audit(c, actor, "users", row.id, { ...row, roles: [] }),
  ];
  for (const identifier of [row.email, row.phone_number]) {
    if (identifier === null) continue;
    const entry = { identifier_hash: await keys.identifierHash(identifier), user_id: row.id, present: true };
    statements.push(effect(c, "directory", entry));
  }
  await db.batch(statements);
  deliverLater(c);
  return c.json({ ...userOut(row, c.get("school")), ...temporary }, 201, { location: `/api/v1/school/users/${row.id}/` });
});

app.post("/api/v1/school/staff/", async (c) => {
  const actor = await identify(c, "school.add_staff");
  const now = c.get("now");
  const input = readNewStaff(await c.req.json());
  const row: StaffRow = { id: uuidv7(now), ...input, created_at: now, updated_at: now, created_by: actor.id };
  const db = c.get("db");
  await db.batch([
    db
      .prepare(sql.INSERT_STAFF)
      .bind(row.id, row.user, row.staff_number, row.title, row.position, row.department, row.hired_on,
        Number(row.is_active), now, actor.id),
    audit(c, actor, "staff", row.id, { ...row }),
    effect(c, "setup_progress", { progress: "completed" }),
  ]);
  deliverLater(c);
  return c.json(staffOut(row), 201, { location: `/api/v1/school/staff/${row.id}/` });
});

app.post("/api/v1/school/auth/login/", async (c) => {
  const login = readLogin(await c.req.json());
  const school = c.get("school");
  const db = c.get("db");
  const now = c.get("now");
  const guard = `${school.id}/login/${await keys.identifierHash(login.email)}`;
  const ip = clientIp(c);
  const attempt = await askGuard(c.env, guard, "begin", ip);
  if (attempt.outcome === "refused") {
    throw refuse(429, "too_many_attempts", `Too many failed attempts. Try again in ${attempt.retry_after} seconds.`);
  }
  const { results } = await db.prepare(sql.CREDENTIALS).bind(login.email).all<UserRow & { password_hash: string }>();
  const user = results[0];
  const { matches, rehash } = await verifyPassword(c.env, login.password, user?.password_hash ?? null);
  if (!user || !matches) throw refuse(401, "invalid_credentials", "Invalid credentials.");
  await askGuard(c.env, guard, "succeed", ip);
  if (!user.is_active) throw refuse(403, "account_inactive", "This account is deactivated.");
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

function audit(c: Context<Env>, actor: Actor, table: string, id: string, record: Record<string, unknown>) {
  const now = c.get("now");
  const { requestId } = c.var;
  return c
    .get("db")
    .prepare(sql.INSERT_AUDIT)
    .bind(uuidv7(now), "user", actor.id, actor.name, "CREATE", table, id, created(record), clientIp(c), requestId, now);
}

function effect(c: Context<Env>, kind: string, payload: unknown) {
  return c.get("db").prepare(sql.INSERT_EFFECT).bind(kind, JSON.stringify(payload), c.get("now"));
}

function deliverLater(c: Context<Env>) {
  const school = c.get("school");
  const db = (c.env[school.slot] as D1Database).withSession("first-primary");
  const control = c.env.CONTROL.withSession("first-primary");
  c.executionCtx.waitUntil(deliver(db, control, school));
}

const EFFECTS = 40;

async function deliver(db: D1DatabaseSession, control: D1DatabaseSession, school: School) {
  for (let portion = 0; portion < 10; portion++) {
    const effects = db.prepare(sql.LIST_EFFECTS).bind(EFFECTS);
    const { results } = await effects.all<{ seq: number; kind: string; payload: string }>();
    const last = results.at(-1);
    if (!last) return;
    const statements = results.map(({ seq, kind, payload }) => {
      const entry = JSON.parse(payload);
      return kind === "directory"
        ? control
            .prepare(sql.UPSERT_DIRECTORY)
            .bind(entry.identifier_hash, school.id, entry.user_id, Number(entry.present), seq)
        : control.prepare(sql.SET_PROGRESS).bind(school.id, entry.progress);
    });
    await control.batch(statements);
    await db.prepare(sql.DELETE_EFFECTS).bind(last.seq).all();
    if (results.length < EFFECTS) return;
  }
}

export default app;
