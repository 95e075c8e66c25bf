// workerd ends by SIGKILL in the middle of an import, again and again: nothing is lost, nothing happens twice.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { startPlatform } from "../../xtask/js/platform.mjs";
import { type Platform, type Row, Session, schoolAdministrator, slotOf, temporaryState, times } from "./platform";

const FILES = process.env.HOMEROOM_LONG ? 12 : 2;
/** Files that are sent beside, where no cut came in the middle of one. */
const MORE = 4;
/** Most cuts of a file. */
const CUTS = process.env.HOMEROOM_LONG ? 8 : 4;
const STUDENTS = 5_000;
/** As many of them bring a number as get one. */
const NUMBERED = STUDENTS / 2;

const state = temporaryState();
let platform: Platform;

afterAll(async () => {
  await platform?.stop();
  rmSync(state, { recursive: true, force: true });
});

test(
  "an import that power cuts interrupt goes on by itself or with whoever asks, and every row is there once",
  async () => {
    platform = await start();
    const slot = await slotOf(platform, "greenwood");
    const one = async (sql: string, ...values: unknown[]): Promise<Row> => {
      const [[row]] = await platform.execute(slot, [[sql, ...values]]);
      return row;
    };

    const figures = { cuts: 0, amid: 0 };
    let pace = 2_500;
    // A cut may meet nothing by chance: then further files are sent.
    for (let nth = 0; nth < FILES || (figures.amid === 0 && nth < FILES + MORE); nth += 1) {
      // Anew for each file: a sign-in is good for a quarter of an hour.
      const { tokens, user } = await schoolAdministrator(platform, platform.schools[0]);
      const session = () => new Session(platform, platform.schoolUrl("greenwood"), "school", tokens, user);
      const year = 2030 + nth;
      const key = randomUUID();
      const isPolled = nth % 2 === 1;
      const cuts: number[] = [];
      let answers = 0;
      /** Every answer to how far it is, in their order. */
      const told: number[] = [];
      /** Reads how far it is, without helping it on as `poll` does. */
      const done = async (): Promise<number> => {
        const job = (await session().do("GET", "imports/?ordering=created_at")).results[nth];
        if (job) told.push(job.progress);
        return job?.done ?? 0;
      };
      for (const cut of times(CUTS, Number)) {
        // The file is sent until it is accepted; from then on nobody asks, or somebody does.
        const work: Promise<unknown>[] = answers === 0 ? [upload(session(), key, year).then(() => (answers += 1))] : [];
        if (cut > 0) work.push(isPolled ? poll(session(), told) : platform.scheduled());
        for (const going of work) going.catch(() => undefined);
        // While it works, the database answers nobody else: the moment is guessed, better each time.
        await setTimeout(Math.random() * pace);
        await platform.kill();
        platform = await start();
        const before = cuts.at(-1) ?? 0;
        cuts.push(await done());
        figures.cuts += 1;
        figures.amid += Number(told.length > 0 && told.at(-1)! > 0 && told.at(-1)! < 100);
        if (cuts[cut] === STUDENTS) {
          pace *= 0.7;
          break;
        }
        pace *= cuts[cut] === before ? 1.3 : 1;
      }
      const again = await upload(session(), key, year);
      expect(again.status, again.text).toBe(202);
      let visits = 0;
      while ((await one("SELECT count(*) AS count FROM imports WHERE status = 'running'")).count > 0) {
        if (isPolled) await poll(session(), told);
        else await platform.scheduled();
        visits += 1;
        expect(visits, "it comes to an end").toBeLessThan(isPolled ? 60 : 4);
      }
      console.log(`file ${nth}, ${isPolled ? "polled" : "visited"}:`, { cuts: cuts.join(" "), answers, visits, told: told.join(" ") });

      const imports = (await session().do("GET", "imports/?ordering=created_at")).results;
      expect(imports).toHaveLength(nth + 1);
      expect(imports[nth]).toMatchObject({
        status: "completed", progress: 100, total: STUDENTS, done: STUDENTS, created: STUDENTS, updated: 0, skipped: 0, failed: 0,
      });
      expect(told, "it never goes back").toEqual(told.toSorted((a, b) => a - b));
      const own = "SELECT id FROM students WHERE admission_year = ?1";
      const there = await one(
        `SELECT count(*) AS rows, count(DISTINCT student_id) AS numbers, count(DISTINCT last_name) AS lines FROM students WHERE id IN (${own})`,
        year,
      );
      expect(there).toEqual({ rows: STUDENTS, numbers: STUDENTS, lines: STUDENTS });
      const logged = await one(
        `SELECT count(*) AS rows, count(DISTINCT record_id) AS students FROM audit_logs WHERE table_name = 'students' AND action = 'CREATE' AND actor_id = ?2 AND record_id IN (${own})`,
        year,
        user.id,
      );
      expect(logged).toEqual({ rows: STUDENTS, students: STUDENTS });
      // Those who brought none got the first ones, with none left out.
      const given = await one(
        "SELECT count(*) AS count, min(student_id) AS first, max(student_id) AS last FROM students WHERE student_id LIKE ?1",
        `${year}-%`,
      );
      expect(given).toEqual({ count: STUDENTS - NUMBERED, first: `${year}-0001`, last: `${year}-${STUDENTS - NUMBERED}` });
      expect((await one("SELECT count(*) AS count FROM import_chunks")).count).toBe(0);
    }
    console.log("power cuts:", figures);
    expect(figures.amid, "answers after a cut that say that a part is done").toBeGreaterThan(0);
  },
  240_000 + (FILES + MORE) * CUTS * 60_000,
);

const start = async () => (await startPlatform({ state, demo: true })) as Platform;

/** Sends the file of a year; the answer comes before the rows are there. */
async function upload({ origin, tokens }: Session, key: string, year: number) {
  const rows = times(STUDENTS, (n) => `${n < NUMBERED ? `K${year}-${n}` : ""},Rudo,Moyo ${n},${year}\n`);
  const response = await platform.fetch(`${origin}/api/v1/school/imports/students/`, {
    method: "POST",
    headers: { "content-type": "text/csv", authorization: `Bearer ${tokens.access}`, "idempotency-key": key },
    body: `student_id,first_name,last_name,admission_year\n${rows.join("")}`,
  });
  return { status: response.status, text: await response.text() };
}

/** Asks how far the import is until it is completed, or the platform is gone, and notes what it is told. */
async function poll(session: Session, told: number[]) {
  const { results } = await session.do("GET", "imports/?status=running");
  for (let [job] = results; job?.status === "running"; ) {
    job = await session.do("GET", `imports/${job.id}/`);
    told.push(job.progress);
  }
}
