// The people of a platform: its first administrator (by SQL, there is nobody yet to ask) and two demo schools (by its API).
import { randomBytes, randomUUID } from "node:crypto";

/** For a platform on this machine only; the schools answer on its loopback address. */
const PASSWORD = "homeroom-demo";

export const ADMINISTRATOR = { email: "admin@homeroom.test", password: PASSWORD };

const SCHOOLS = [
  { name: "Greenwood School", slug: "greenwood", code: "GRN" },
  { name: "Riverside School", slug: "riverside", code: "RVS" },
];

const PEOPLE = [
  { role: "teacher", first_name: "Tamsin", last_name: "Okafor" },
  { role: "student", first_name: "Sione", last_name: "Marsh" },
];

/** Statements that make somebody a platform superadministrator; they change nothing for somebody who is one. */
export function administratorStatements({ email, passwordHash, firstName, lastName, now }) {
  const id = () => uuidv7(now);
  return [
    [
      `INSERT OR IGNORE INTO roles (id, builtin, name, description, created_at, updated_at)
       VALUES (?1, 'administrator', 'Superadministrator', 'Everything, in every school.', ?2, ?2)`,
      id(),
      now,
    ],
    [
      `INSERT OR IGNORE INTO role_permissions (role_id, codename)
       SELECT id, '*' FROM roles WHERE builtin = 'administrator'`,
    ],
    [
      `INSERT INTO users (id, email, first_name, last_name, password_hash, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6
       WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?2 AND deleted_at IS NULL)`,
      id(),
      email.toLowerCase(),
      firstName,
      lastName,
      passwordHash,
      now,
    ],
    [
      `INSERT OR IGNORE INTO user_roles (id, user_id, role_id, created_at)
       SELECT ?1, users.id, roles.id, ?2 FROM users JOIN roles ON roles.builtin = 'administrator'
       WHERE users.email = ?3 AND users.deleted_at IS NULL`,
      id(),
      now,
      email.toLowerCase(),
    ],
  ];
}

export async function addAdministrator(platform) {
  const [[known]] = await platform.execute("CONTROL", [["SELECT 1 FROM users WHERE email = ?1", ADMINISTRATOR.email]]);
  if (known) return;
  const hasher = await platform.mf.getWorker("homeroom-passwords");
  const response = await hasher.fetch("https://passwords/", {
    method: "POST",
    body: JSON.stringify({ op: "hash", password: ADMINISTRATOR.password }),
  });
  const { phc } = await response.json();
  const person = { email: ADMINISTRATOR.email, passwordHash: phc, firstName: "Ada", lastName: "Homeroom" };
  await platform.execute("CONTROL", administratorStatements({ ...person, now: Date.now() }));
}

/** Creates what is missing of the demo schools, and answers their sign-ins. */
export async function addDemoSchools(platform) {
  const [schools] = await platform.execute("CONTROL", [["SELECT schema_name, slot FROM tenants"]]);
  const slots = new Map(schools.map(({ schema_name: slug, slot }) => [slug, slot]));
  let session;
  for (const { name, slug, code } of SCHOOLS) {
    if (slots.has(slug)) continue;
    session ??= await signIn(platform, platform.url, "system", ADMINISTRATOR);
    const admin = { email: `admin@${slug}.test`, first_name: "Ama", last_name: "Lindqvist", password: PASSWORD };
    await session("POST", "schools/", { name, schema_name: slug, code, admin });
  }
  return Promise.all(SCHOOLS.map((school) => demoSchool(platform, school.slug, slots.get(school.slug))));
}

async function demoSchool(platform, slug, slot) {
  const url = platform.schoolUrl(slug);
  const signIns = Object.fromEntries(
    ["admin", "teacher", "student"].map((who) => [who, { email: `${who}@${slug}.test`, password: PASSWORD }]),
  );
  const [rows] = slot === undefined ? [[]] : await platform.execute(slot, [["SELECT email FROM users"]]);
  const known = new Set(rows.map(({ email }) => email));
  const missing = PEOPLE.filter(({ role }) => !known.has(signIns[role].email));
  if (missing.length > 0) {
    const session = await signIn(platform, url, "school", signIns.admin);
    const roles = await session("GET", "roles/?page_size=100");
    for (const { role, ...names } of missing) {
      const wanted = roles.results.find(({ builtin, name }) => [builtin, name.toLowerCase()].includes(role));
      await session("POST", "users/", { ...signIns[role], ...names, role_ids: [wanted.id] });
    }
  }
  return { slug, url, ...signIns };
}

export async function signIn(platform, origin, area, { email, password }) {
  const call = async (method, path, body, token) => {
    const response = await platform.fetch(`${origin}/api/v1/${area}/${path}`, {
      method,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${origin}/api/v1/${area}/${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const answer = await call("POST", "auth/login/", { email, password });
  const token = answer.access ?? answer.access_token;
  return (method, path, body) => call(method, path, body, token);
}

function uuidv7(now) {
  const [, , , variant, node] = randomUUID().split("-");
  const time = now.toString(16).padStart(12, "0");
  const random = randomBytes(2).toString("hex").slice(1);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random}-${variant}-${node}`;
}
