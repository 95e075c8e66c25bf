// What a school year costs at 500 and at 2,000 students, on the built Workers: CPU, D1 trips, and how both grow.
//   node bench/academics.mjs [--quick]
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startPlatform } from "../xtask/js/platform.mjs";
import { ROOT } from "../xtask/js/platform/config.mjs";
import { loadHistory } from "../xtask/js/platform/history.mjs";
import { Problem } from "../xtask/js/platform/problem.mjs";
import { BUILD, bundlePeers, startArena } from "./lib/arena.mjs";
import { connect, measure } from "./lib/load.mjs";
import { cpuMicros, median, separate } from "./lib/machine.mjs";
import { table } from "./lib/report.mjs";
import { readVersion } from "./lib/world.mjs";

const quick = process.argv.includes("--quick");
const rounds = quick ? 3 : 9;
const SIZES = { greenwood: 500, riverside: 2_000 };
const IMPORTED = 5_000;
/** Megabytes that an import may take beside what the platform takes anyway. */
const IMPORT_MEMORY = 64;
const say = (text) => console.error(`  … ${text}`);

try {
  await run();
} catch (error) {
  console.error(error instanceof Problem ? error.message : error.stack);
  process.exit(1);
}

async function run() {
  await bundlePeers();
  const world = await prepare();
  const counted = await count(world);
  const timed = await time(world);
  const result = {
    date: new Date().toISOString(),
    quick,
    rounds,
    machine: { cpu: cpus()[0].model.trim(), workerd: readVersion("workerd", ROOT) },
    work: Object.fromEntries(Object.keys(timed.work).map((name) => [name, { ...timed.work[name], trips: counted[name] }])),
    publications: timed.publications,
    imports: timed.imports,
  };
  console.log();
  print(result);
  mkdirSync(join(ROOT, "bench", "results"), { recursive: true });
  const path = join(ROOT, "bench", "results", "academics.json");
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`All numbers: ${path}`);
}

/** Two schools of different sizes, with the people and classes that the requests are about. */
async function prepare() {
  const state = join(BUILD, "academics");
  rmSync(state, { recursive: true, force: true });
  const platform = await startPlatform({ state, demo: true, announce: say, log: () => {} });
  try {
    const schools = [];
    for (const school of platform.schools) {
      say(`Making ${school.slug} a school of ${SIZES[school.slug]} students`);
      await loadHistory(platform, [school], SIZES[school.slug]);
      schools.push(await describe(platform, school));
    }
    return { state, schools };
  } finally {
    await platform.stop();
  }
}

async function describe(platform, { slug, admin }) {
  const [[{ slot }]] = await platform.execute("CONTROL", [["select slot from tenants where schema_name = ?1", slug]]);
  const [[session], [room], [form], [exam]] = await platform.execute(slot, [
    ["select s.id, e.id as exam_session from academic_sessions s join exam_sessions e on e.session = s.id and e.state = 'draft' where s.is_active = 1"],
    // The fullest class of a form with the most subjects.
    [`select a.id, count(*) as size, (select count(*) from curriculum k where k.form = c.form) as subjects
      from academic_classes a join academic_sessions s on s.id = a.session and s.is_active = 1 join classes c on c.id = a.class
      join student_sessions r on r.academic_class = a.id and r.status = 'active'
      group by a.id order by subjects desc, size desc, a.id limit 1`],
    [`select c.form as id, count(*) as size from academic_classes a join academic_sessions s on s.id = a.session and s.is_active = 1
      join classes c on c.id = a.class join student_sessions r on r.academic_class = a.id and r.status = 'active'
      group by c.form order by size desc, c.form limit 1`],
    [`select e.id, e.academic_class from exams e join exam_sessions x on x.id = e.exam_session and x.state = 'draft'
      join academic_classes a on a.id = e.academic_class
      join student_sessions r on r.academic_class = a.id and r.status = 'active' group by e.id order by count(*) desc, e.id limit 1`],
  ]);
  const [students] = await platform.execute(slot, [
    ["select id from student_sessions where academic_class = ?1 and status = 'active' order by id limit 40", exam.academic_class],
  ]);
  return {
    slug,
    slot,
    host: `${slug}.localhost`,
    students: SIZES[slug],
    signIn: { email: admin.email, password: admin.password },
    examSession: `sessions/${session.id}/exam-sessions/${session.exam_session}`,
    room,
    form,
    exam: { id: exam.id, students: students.map(({ id }) => id) },
  };
}

/** What is measured; `make(n)` gives the n-th request, each of which has something to do. */
function work(school, token) {
  const bearer = { authorization: `Bearer ${token}` };
  const get = (path) => ({ method: "GET", path: `/api/v1/school/${path}`, headers: bearer });
  const send = (method, path, body) => ({
    ...get(path), method,
    headers: { ...bearer, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const marks = (n) =>
    school.exam.students.map((student_session, row) => ({ student_session, mark: (row * 7 + n * 3) % 101, is_absent: false }));
  return {
    marks: {
      title: `marks of one exam (${school.exam.students.length} students) in one request`,
      limits: { trips: 3 },
      requests: 10,
      make: (n) => send("PUT", `${school.examSession}/exams/${school.exam.id}/marks/bulk/`, { marks: marks(n) }),
    },
    broadsheet: {
      title: `broadsheet of a class (${school.room.size} students, ${school.room.subjects} subjects)`,
      limits: { trips: 2, cpu: 50_000 },
      requests: 10,
      make: () => get(`${school.examSession}/broadsheet/?academic_class=${school.room.id}`),
    },
    cards: {
      title: `report cards of a form (${school.form.size} students) computed`,
      limits: { trips: 3 },
      requests: 5,
      per: school.form.size,
      make: () => send("POST", `${school.examSession}/report-cards/compute/`, { form: school.form.id }),
    },
    search: { title: "students searched by name (25 rows)", limits: { trips: 2 }, requests: 20, make: () => get("admissions/?search=moyo") },
    sheet: {
      title: "mark sheet of an exam",
      limits: { trips: 2 },
      requests: 20,
      make: () => get(`${school.examSession}/exams/${school.exam.id}/sheet/`),
    },
  };
}

async function signIn(client, school) {
  const { status, text } = await client.send({
    method: "POST",
    path: "/api/v1/school/auth/login/",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(school.signIn),
  });
  if (status !== 200) throw new Error(`${school.slug}: sign-in answered ${status}: ${text}`);
  return JSON.parse(text).access;
}

/** The D1 trips of each request on an isolate that knows the school and the sign-in. */
async function count({ state, schools }) {
  say("Counting D1 trips");
  const arena = await startArena(state, { counted: true, only: "ours" });
  const trips = {};
  try {
    for (const school of schools) {
      const client = connect(arena.origins.ours, school.host);
      const token = await signIn(client, school);
      const taken = async () => {
        await wait(100);
        return JSON.parse((await client.send({ method: "GET", path: "/__statements", headers: {} })).text).awaited;
      };
      for (const [name, { make }] of Object.entries(work(school, token))) {
        await client.send(make(1_000));
        await taken();
        const { status, text } = await client.send(make(1_001));
        if (status >= 300) throw new Error(`${school.slug}, ${name}: ${status}: ${text}`);
        (trips[name] ??= {})[school.students] = await taken();
      }
      await client.close();
    }
    return trips;
  } finally {
    await arena.stop();
  }
}

async function time({ state, schools }) {
  const arena = await startArena(state, { only: "ours" });
  const found = {};
  try {
    say(separate(arena.pid) ? "workerd has a core of its own" : "workerd and the load share the cores");
    const contestants = [];
    for (const school of schools) {
      const client = connect(arena.origins.ours, school.host);
      contestants.push({ school, client, table: work(school, await signIn(client, school)) });
    }
    for (const name of Object.keys(contestants[0].table)) {
      say(`Timing: ${contestants[0].table[name].title.replace(/ \(.*\)/, "")}`);
      const done = Object.fromEntries(schools.map(({ students }) => [students, []]));
      let sent = 0;
      for (let round = 0; round <= rounds; round++) {
        for (const { school, client, table } of contestants) {
          const { requests, make } = table[name];
          const { cpu } = await measure(client, arena.pid, requests, () => make(sent++));
          // The first round warms the code up.
          if (round > 0) done[school.students].push(cpu);
        }
      }
      const of = (school) => contestants.find((one) => one.school === school).table[name];
      found[name] = {
        limits: of(schools[0]).limits,
        schools: schools.map((school) => ({
          students: school.students,
          title: of(school).title,
          cpu: median(done[school.students]),
          per: of(school).per,
        })),
      };
    }
    const publications = [];
    for (const { school, client } of contestants) publications.push(await timePublication(arena, client, school));
    const imports = [];
    for (const { school, client } of contestants) imports.push(await timeImport(arena, client, school));
    for (const { client } of contestants) await client.close();
    return { work: found, publications, imports };
  } finally {
    await arena.stop();
  }
}

/** The cards of a whole school frozen for the first time, which only happens once. */
async function timePublication(arena, client, school) {
  say(`Timing: all report cards of ${school.slug} published`);
  const token = await signIn(client, school);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ accept_incomplete: true });
  const { began, ended } = meter(arena.pid);
  const answer = await client.send({ method: "POST", path: `/api/v1/school/${school.examSession}/publish/`, headers, body });
  if (answer.status !== 200) throw new Error(`the publication answered ${answer.status}: ${answer.text}`);
  const seconds = (performance.now() - began) / 1000;
  return { students: school.students, cards: JSON.parse(answer.text).cards, seconds, ...ended() };
}

/** Starts to count a process's CPU and the most memory that it takes beside what it has already. */
function meter(pid) {
  // From here on the kernel keeps the most that it is.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const [before, memoryBefore] = [cpuMicros(pid), memory(pid, "VmRSS")];
  const ended = () => ({ cpu: (cpuMicros(pid) - before) / 1000, memory: memory(pid, "VmHWM") - memoryBefore });
  return { began: performance.now(), ended };
}

/** Five thousand new students by file: seconds until the last row is settled, CPU, and the memory that it took. */
async function timeImport(arena, client, school) {
  say(`Timing: ${IMPORTED.toLocaleString("en")} students by file, into ${school.slug}`);
  const token = await signIn(client, school);
  const headers = { authorization: `Bearer ${token}` };
  const rows = Array.from({ length: IMPORTED }, (_, n) => `B-${n},Given${n},Family${n % 700},2026,Day,2012-0${1 + (n % 9)}-1${n % 10}`);
  const body = ["student_id,first_name,last_name,admission_year,status,dob", ...rows].join("\n");
  const { began, ended } = meter(arena.pid);
  let answer = await client.send({
    method: "POST", path: "/api/v1/school/imports/students/", headers: { ...headers, "content-type": "text/csv" }, body,
  });
  if (answer.status !== 202) throw new Error(`the import answered ${answer.status}: ${answer.text}`);
  let job = JSON.parse(answer.text);
  const accepted = performance.now() - began;
  let polls = 0;
  while (job.status === "running") {
    if (polls > 1_000) throw new Problem(`the import does not end: ${answer.text}`);
    await wait(50);
    answer = await client.send({ method: "GET", path: `/api/v1/school/imports/${job.id}/`, headers });
    job = JSON.parse(answer.text);
    polls += 1;
  }
  if (job.created !== IMPORTED) throw new Error(`the import created ${job.created} of ${IMPORTED}: ${answer.text}`);
  return { students: school.students, accepted, seconds: (performance.now() - began) / 1000, polls, ...ended() };
}

/** Resident memory in megabytes, now (VmRSS) or at most (VmHWM). */
function memory(pid, which) {
  return Number(new RegExp(`^${which}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

function print({ machine, rounds, work, publications, imports }) {
  const lines = [`A school year on workerd ${machine.workerd}, ${machine.cpu}; medians of ${rounds} rounds, one client`, ""];
  const [small, large] = Object.values(SIZES);
  const micros = (value) => Math.round(value).toLocaleString("en").replaceAll(",", " ");
  const mark = (value, most) => (most === undefined ? "" : value <= most ? ` ≤ ${most} ✓` : ` ≤ ${most} ✗`);
  lines.push(
    ...table(
      ["CPU µs per request", `${small} students`, `${large} students`, "growth", "per student", "D1 trips"],
      Object.values(work).map(({ limits, schools, trips }) => {
        const [one, two] = schools;
        const growth = two.per ? (two.cpu / two.per) / (one.cpu / one.per) : two.cpu / one.cpu;
        const each = ({ cpu, per }) => (per ? `${micros(cpu / per)}` : "");
        return [
          two.title,
          micros(one.cpu),
          `${micros(two.cpu)}${mark(Math.round(two.cpu), limits.cpu)}`,
          `${growth.toFixed(2)}×${two.per ? " a student" : ""}`,
          two.per ? `${each(one)} / ${each(two)}` : "",
          `${trips[small]} / ${trips[large]}${mark(Math.max(trips[small], trips[large]), limits.trips)}`,
        ];
      }),
    ),
    ...table(
      ["all report cards published, once", "done after", "CPU", "CPU a card", "memory"],
      publications.map(({ students, cards, seconds, cpu, memory }) => [
        `${cards} at a school of ${students}`, `${seconds.toFixed(1)} s`, `${Math.round(cpu)} ms`, `${(cpu / cards).toFixed(2)} ms`,
        `+${Math.round(memory)} MB`,
      ]),
    ),
    ...table(
      [`${IMPORTED.toLocaleString("en")} students by file`, "accepted after", "done after", "polls", "CPU", "memory"],
      imports.map(({ students, accepted, seconds, polls, cpu, memory }) => [
        `into a school of ${students}`, `${Math.round(accepted)} ms`, `${seconds.toFixed(1)} s`, String(polls),
        `${Math.round(cpu)} ms`, `${memory >= 0 ? "+" : ""}${Math.round(memory)} MB${mark(Math.round(memory), IMPORT_MEMORY)}`,
      ]),
    ),
  );
  console.log(lines.join("\n"));
}
