// The years of a demo school: structure, people, marks, attendance, as tests/generator makes them.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { signIn } from "./accounts.mjs";
import { ROOT } from "./config.mjs";
import { Problem } from "./problem.mjs";
import { startAgain } from "./state.mjs";

/** Statements per transaction: each is up to 90 KB. */
const PORTION = 16;

/** `cargo xtask` builds it and says where; without that it is where cargo leaves it. */
const GENERATOR = process.env.HOMEROOM_GENERATOR ?? join(ROOT, "target", "debug", "homeroom-generator");

/** The SQL of a school of so many active students, with the demo's teacher and student among its people. */
export async function historyStatements({ students, teacher, student, today = new Date() }) {
  const { stdout } = await promisify(execFile)(
    GENERATOR,
    [
      ...["--students", String(students), "--today", today.toISOString().slice(0, 10)],
      ...(teacher ? ["--teacher", teacher.id] : []),
      ...(student ? ["--student", student.id, "--student-name", student.first_name, student.last_name] : []),
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Fills the schools that have no students yet. */
export async function loadHistory(platform, schools, students) {
  for (const { slug, teacher, student } of schools) {
    const [[{ slot }]] = await platform.execute("CONTROL", [["SELECT slot FROM tenants WHERE schema_name = ?1", slug]]);
    const [begun, done] = await platform.execute(slot, [
      ["SELECT 1 FROM academic_sessions LIMIT 1"],
      ["SELECT 1 FROM student_promotion_history LIMIT 1"],
    ]);
    if (done.length > 0) continue;
    if (begun.length > 0) throw new Problem(`Loading the school ${slug} was cut short: ${startAgain(platform.state)}`);
    const [users] = await platform.execute(slot, [
      ["SELECT id, email, first_name, last_name FROM users WHERE email IN (?1, ?2)", teacher.email, student.email],
    ]);
    const find = ({ email }) => users.find((user) => user.email === email);
    const statements = await historyStatements({ students, teacher: find(teacher), student: find(student) });
    for (let at = 0; at < statements.length; at += PORTION) {
      await platform.execute(slot, statements.slice(at, at + PORTION).map((statement) => [statement]));
    }
  }
}

/** Publishes the past cards of the class that the demo's student was in each year: all other classes have their marks only. */
export async function publishHistory(platform, schools) {
  for (const { slug, url, admin, student } of schools) {
    const [[{ slot }]] = await platform.execute("CONTROL", [["SELECT slot FROM tenants WHERE schema_name = ?1", slug]]);
    const [unpublished] = await platform.execute(slot, [
      [
        `SELECT x.id, x.session, x.state, r.academic_class FROM users u JOIN students p ON p.user = u.id
         JOIN student_sessions r ON r.student = p.id JOIN exam_sessions x ON x.session = r.session
         WHERE u.email = ?1 AND r.academic_class IS NOT NULL AND x.state IN ('published', 'locked')
         AND NOT EXISTS (SELECT 1 FROM publications WHERE exam_session = x.id) ORDER BY x.id`,
        student.email,
      ],
    ]);
    if (unpublished.length === 0) continue;
    const session = await signIn(platform, url, "school", admin);
    for (const { id, session: year, state, academic_class } of unpublished) {
      const step = (name, body) => session("POST", `sessions/${year}/exam-sessions/${id}/${name}/`, body);
      if (state === "locked") await step("unlock", { reason: "Cards are published from the marks of former years." });
      await step("publish", { academic_class, accept_incomplete: true });
      await step("lock");
    }
  }
}
