// workerd ends by SIGKILL in the middle of writes: what was acknowledged is there, and nothing happened twice.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { startPlatform } from "../../xtask/js/platform.mjs";
import { type Answer, type Platform, Session, schoolAdministrator, slotOf, temporaryState, times } from "./platform";

const ROUNDS = process.env.HOMEROOM_LONG ? 30 : 3;
const WRITERS = 8;

interface Write {
  path: "users/" | "roles/";
  key: string;
  body: Record<string, string>;
  /** The id in the answer; none where no answer came. */
  acknowledged?: string;
}

const state = temporaryState();
let platform: Platform;

afterAll(async () => {
  await platform?.stop();
  rmSync(state, { recursive: true, force: true });
});

test(
  "of writes that a power cut interrupts, every acknowledged one is there, and a retry makes each happen once",
  async () => {
    platform = await start();
    const admin = await schoolAdministrator(platform, platform.schools[0]);
    const { tokens, user } = admin;
    const slot = await slotOf(platform, "greenwood");
    const writes: Write[] = [];
    const figures = { rounds: 0, acknowledged: 0, unanswered: 0, "of these carried out": 0 };

    for (const round of times(ROUNDS, Number)) {
      const session = new Session(platform, platform.schoolUrl("greenwood"), "school", tokens, user);
      const ofRound: Write[] = [];
      let cut = false;
      const writers = times(WRITERS, async (writer) => {
        for (let count = 0; !cut; count += 1) {
          const write = newWrite(writer, `${round}-${writer}-${count}`);
          ofRound.push(write);
          // The connection ends under it: whether it was carried out is not known.
          const answer = await put(session, write).catch(() => undefined);
          if (answer === undefined) return;
          expect(answer.status, answer.text).toBe(201);
          write.acknowledged = answer.body.id;
        }
      });
      while (ofRound.filter(({ acknowledged }) => acknowledged).length < 2 * WRITERS) await setTimeout(5);
      await setTimeout(Math.random() * 500);
      const killed = platform.kill();
      cut = true;
      await Promise.all([...writers, killed]);

      platform = await start();
      const afterwards = new Session(platform, platform.schoolUrl("greenwood"), "school", tokens, user);
      const there = await idsByKey(slot);
      for (const { key, acknowledged } of ofRound) {
        if (acknowledged) expect(there.get(key), `round ${round}, acknowledged`).toEqual([acknowledged]);
        else expect(there.get(key)?.length ?? 0, `round ${round}, unanswered`).toBeLessThanOrEqual(1);
      }
      const unanswered = ofRound.filter(({ acknowledged }) => !acknowledged);
      figures.rounds += 1;
      figures.acknowledged += ofRound.length - unanswered.length;
      figures.unanswered += unanswered.length;
      figures["of these carried out"] += unanswered.filter(({ key }) => there.has(key)).length;

      const [one] = ofRound.filter(({ acknowledged }) => acknowledged);
      for (const write of [...unanswered, one]) {
        const answer = await put(afterwards, write);
        expect(answer.status, answer.text).toBe(201);
        const before = there.get(write.key)?.[0];
        expect(answer.headers.get("idempotent-replayed")).toBe(before ? "true" : null);
        if (before) expect(answer.body.id).toBe(before);
        write.acknowledged = answer.body.id;
      }
      writes.push(...ofRound);
    }

    console.log("power cuts:", figures);
    const there = await idsByKey(slot);
    for (const { key, acknowledged } of writes) expect(there.get(key), "each exactly once").toEqual([acknowledged]);
    expect(there.size).toBe(writes.length);

    const [created] = await platform.execute(slot, [
      ["SELECT record_id FROM audit_logs WHERE action = 'CREATE' AND actor_kind = 'user' AND actor_id = ?1", user.id],
    ]);
    const byWriters = created.map(({ record_id }) => record_id).filter((id) => writes.some(({ acknowledged }) => id === acknowledged));
    expect(byWriters.length, "one line in the audit log for each").toBe(writes.length);

    await platform.scheduled();
    const [waiting] = await platform.execute(slot, [["SELECT seq FROM outbox"]]);
    expect(waiting, "every effect on the platform was carried out").toEqual([]);
    const [known] = await platform.execute("CONTROL", [["SELECT user_id FROM directory WHERE present = 1"]]);
    const found = new Set(known.map(({ user_id }) => user_id));
    for (const { path, acknowledged } of writes) if (path === "users/") expect(found).toContain(acknowledged);
  },
  120_000 + ROUNDS * 60_000,
);

const start = async () => (await startPlatform({ state, demo: true })) as Platform;

/** Users are slow to make, for their passwords; most make roles, so that the cut falls into a write of the database. */
function newWrite(writer: number, name: string): Write {
  const key = randomUUID();
  return writer > 1
    ? { path: "roles/", key, body: { name: `Role ${name}`, description: key } }
    : { path: "users/", key, body: { email: `writer-${name}@greenwood.test`, first_name: "Writer", last_name: key } };
}

const put = (session: Session, { path, key, body }: Write): Promise<Answer> =>
  session.call("POST", path, body, { "idempotency-key": key });

/** What the writes left in the database: the ids of the records by the key that is written into each. */
async function idsByKey(slot: string): Promise<Map<string, string[]>> {
  const rows = await platform.execute(slot, [
    ["SELECT id, last_name AS key FROM users WHERE first_name = 'Writer'"],
    ["SELECT id, description AS key FROM roles WHERE name LIKE 'Role %'"],
  ]);
  const ids = new Map<string, string[]>();
  for (const { id, key } of rows.flat()) ids.set(key, [...(ids.get(key) ?? []), id]);
  return ids;
}
