// The state that everyone works on: the demo schools, 200 users of one of them, and a few thousand sign-ins.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startPlatform } from "../../xtask/js/platform.mjs";
import { masterKeys } from "../../xtask/js/platform/state.mjs";
import { BUILD } from "./arena.mjs";

const USERS = 200;
const SESSIONS = 8_000;
const SLUG = "greenwood";

const id = (kind, n) => `0198${kind}00-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;

export async function prepareWorld(announce) {
  const state = join(BUILD, "state");
  rmSync(state, { recursive: true, force: true });
  const platform = await startPlatform({ state, demo: true, announce, log: () => {} });
  try {
    const { admin } = platform.schools.find(({ slug }) => slug === SLUG);
    const [[school]] = await platform.execute("CONTROL", [
      ["select id, slot from tenants where schema_name = ?1", SLUG],
    ]);
    const [[user], roles] = await platform.execute(school.slot, [
      ["select id, password_hash from users where email = ?1", admin.email],
      ["select id from roles order by name"],
    ]);
    announce("Filling a school");
    const now = Date.now();
    const sessions = Array.from({ length: SESSIONS }, (_, n) => id("5e", n));
    await platform.execute(school.slot, [
      ...Array.from({ length: USERS }, (_, n) => people(n, now, roles[n % roles.length].id)).flat(),
      [
        "insert into sessions (id, user_id, created_at, expires_at) select value, ?1, ?2, ?3 from json_each(?4)",
        user.id, now, now + 24 * 3_600_000, JSON.stringify(sessions),
      ],
    ]);
    return {
      state,
      school: school.id,
      slot: school.slot,
      host: `${SLUG}.localhost`,
      admin: user.id,
      passwordHash: user.password_hash,
      signIn: { email: admin.email, password: admin.password },
      sessions,
      masterKeys: masterKeys(state),
    };
  } finally {
    await platform.stop();
  }
}

function people(n, now, role) {
  const at = now - 86_400_000 + n * 1_000;
  const rows = [
    [
      `insert into users (id, email, phone_number, first_name, last_name, password_hash, last_login_at, created_at,
       updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, 'none', ?6, ?7, ?7, null)`,
      id("aa", n), `person${n}@greenwood.test`, n % 3 ? null : `+26377${String(n).padStart(7, "0")}`,
      `Given${n}`, `Family${n % 40}`, n % 2 ? at : null, at,
    ],
    ["insert into user_roles (id, user_id, role_id, created_at) values (?1, ?2, ?3, ?4)", id("ab", n), id("aa", n), role, at],
  ];
  if (n % 2) return rows;
  return [
    ...rows,
    [
      `insert into staff (id, user_id, staff_number, title, position, department, hired_on, created_at, updated_at)
       values (?1, ?2, ?3, 'Mrs', 'Teacher', 'Mathematics', '2024-09-01', ?4, ?4)`,
      id("ac", n), id("aa", n), `T-${n}`, at,
    ],
  ];
}

/** Removes what a batch of requests left, so that nobody works on a fuller database than another. */
export async function tidy(arena, { slot }) {
  await arena.execute(slot, [
    ["delete from audit_logs where record_id in (select id from users where email like 'bench-%')"],
    ["delete from users where email like 'bench-%'"],
    ["delete from audit_logs where table_name = 'staff'"],
    ["delete from staff where staff_number like 'bench-%'"],
    ["delete from outbox"],
    [`delete from sessions where id not like '${id("5e", 0).slice(0, 8)}%'`],
  ]);
  await arena.execute("CONTROL", [
    ["delete from directory where user_id not in (select user_id from directory order by seq limit 16)"],
  ]);
}

export const readVersion = (path, root) => JSON.parse(readFileSync(join(root, "node_modules", path, "package.json"), "utf8")).version;
