// Text messages on their whole way, undisturbed and with everything on it killed at random moments. Another program counts what arrives.
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { WINDOW, until, useChain } from "./chain";
import { type Row, call, expectError, login, schoolAdministrator, slotOf, times } from "./platform";
import { App, ENVELOPE } from "./sms-app";

const ROUNDS = process.env.HOMEROOM_LONG ? 200 : 4;
const SENDERS = 8;
/** The same kills at the same moments as a run that printed this. */
const SEED = Number(process.env.HOMEROOM_SEED ?? Math.floor(Math.random() * 2 ** 32));

const chain = useChain();
const { platform } = chain;

async function makeApp(origin: string, name: string): Promise<App> {
  const app = await App.make(platform, origin, name);
  const many = 1_000_000;
  await chain.admin("PATCH", `apps/${app.id}`, { rate_per_second: 1_000, burst: 1_000, daily_parts: many, monthly_parts: many });
  return app;
}

const isDelivered = ({ status }: Row) => status === "DELIVERED";

test("single messages, long ones, batches and a school's own reach the phone, and every part says so", async () => {
  const app = await makeApp(platform.url, "ada");
  const [school] = platform.schools;
  const ofSchool = await makeApp(school.url, "grace");
  const office = await schoolAdministrator(platform, school);
  const text = `${"x".repeat(160)}!`;
  const single = await app.send("Grüße, 👋 ሰላም", { task_id: 7 });
  const long = await app.send(text);
  const theirs = await ofSchool.send("From an app of the school");
  const own = await office.do("POST", "sms/messages/", { destination: "+263771234567", message: "From the school", priority: 3 });
  const recipients = times(5, (n) => ({ destination: `+26377123450${n}` }));
  const batch = await app.do("send-batch", { ...ENVELOPE, name: "All", message: "To all", recipients });

  const ends = (ask: () => Promise<Row>) => until(ask, isDelivered);
  expect(await ends(() => app.info(single.message_id))).toMatchObject({ status: "DELIVERED", parts: { 1: "DELIVERED" }, task_id: 7 });
  const parts = { 1: "DELIVERED", 2: "DELIVERED" };
  expect(await ends(() => app.info(long.message_id))).toMatchObject({ status: "DELIVERED", delivered_count: 2, parts });
  expect(await ends(() => ofSchool.info(theirs.message_id))).toMatchObject({ status: "DELIVERED" });
  expect(await ends(() => office.do("GET", `sms/messages/${own.id}/`))).toMatchObject({ status: "DELIVERED" });
  const finished = await until(() => app.do(`batch/${batch.batch_id}`), ({ statuses }) => statuses.DELIVERED === 5);
  expect(finished).toMatchObject({ count: 5, finished: 5, progress: 1, rejected: [] });

  const counts = chain.counts();
  for (const once of ["Grüße, 👋 ሰላም", "From an app of the school", "From the school"]) expect(counts.get(once), once).toBe(1);
  expect(counts.get("To all")).toBe(5);
  const pieces = chain.taken.filter(({ text }) => text.startsWith("xxx") || text.endsWith("!"));
  expect(pieces.map(({ text }) => text.length).sort()).toEqual([153, 8]);
  expect(chain.taken).toHaveLength(10);
});

test("a phone's STOP comes all the way back, is heeded, and is answered", async () => {
  const app = await makeApp(platform.url, "edsger");
  await chain.admin("POST", "numbers", { number: "4711", app_id: app.id });
  chain.write("STOP");
  const { results } = await until(() => app.do("opt-outs"), ({ results }) => results.length > 0);
  expect(results).toMatchObject([{ number: "+491701234567" }]);
  expect((await app.do("inbound")).results).toMatchObject([{ source: "+491701234567", message: "STOP", keyword: "stop" }]);
  const answers = () => chain.taken.filter(({ destination }) => destination === "491701234567");
  expect(await until(answers, (found) => found.length > 0)).toMatchObject([{ text: expect.stringContaining("no more messages") }]);
  const refused = await app.call("send", { ...ENVELOPE, destination: "+491701234567", message: "Once more" });
  expect([refused.status, refused.headers.get("x-error-code")]).toEqual([403, "opted_out"]);
  expect(await until(() => chain.open(), (open) => open.length === 0)).toEqual([]);
});

test("a code for a new password reaches the phone, opens the account once, and is kept nowhere", async () => {
  const [school] = platform.schools;
  const office = await schoolAdministrator(platform, school);
  const person = { email: "forgetful@people.example", password: "a river runs through it" };
  await office.do("POST", "users/", { ...person, first_name: "Chipo", last_name: "Dube", phone_number: "+263771239999" });
  const signedIn = await login(platform, school.url, "school", person);
  const ask = (path: string, body: Row) => call(platform, "POST", `${school.url}/api/v1/school/auth/password-reset/${path}`, { body });

  const known = await ask("", { email: person.email });
  const unknown = await ask("", { email: "nobody@people.example" });
  expect([known.status, unknown.status, unknown.text]).toEqual([202, 202, known.text]);
  expect([...known.headers.keys()]).toEqual([...unknown.headers.keys()]);
  const phone = () => chain.taken.filter(({ destination }) => destination === "263771239999");
  const [{ text }] = await until(phone, (found) => found.length > 0);
  const [, code] = /^(\d{6}) is your code/.exec(text)!;

  const replaced = { email: person.email, password: "staple of the day" };
  const confirm = (code: string) => ask("confirm/", { email: person.email, code, new_password: replaced.password });
  expectError(await confirm(code === "000000" ? "000001" : "000000"), 401, "invalid_code");
  const together = await Promise.all(times(3, () => confirm(code)));
  expect(together.map(({ status }) => status).sort()).toEqual([204, 401, 401]);
  expectError(await confirm(code), 401, "invalid_code");
  expectError(await login(platform, school.url, "school", person), 401, "invalid_credentials");
  expect((await login(platform, school.url, "school", replaced)).status).toBe(200);
  expectError(await call(platform, "POST", `${school.url}/api/v1/school/auth/refresh/`, { body: { refresh: signedIn.body.refresh } }), 401, "invalid_refresh_token");

  const list = () => office.do("GET", "sms/messages/?destination=263771239999");
  const { results } = await until(list, ({ results }) => results.every(isDelivered));
  expect(results).toMatchObject([{ status: "DELIVERED", message: null, confidential: true }]);
  const kept = "SELECT text FROM sms_messages WHERE confidential = 1";
  expect(await platform.execute(await slotOf(platform, school.slug), [[kept]])).toEqual([[{ text: "" }]]);
  expect(phone()).toHaveLength(1);
});

interface Send {
  text: string;
  transaction_id: string;
  message_id?: string;
}

test(
  "nothing accepted is lost and at most a window comes twice, when bridge and runtime are killed",
  async () => {
    console.log(`the kills of HOMEROOM_SEED=${SEED}`);
    const random = generator(SEED);
    const app = await makeApp(platform.url, "linus");
    const before = await chain.metric("attempts_ambiguous_total");
    const figures = { rounds: ROUNDS, bridge: 0, runtime: 0, accepted: 0, "asked again": 0, lost: 0, twice: 0, ambiguous: 0, seconds: 0, "until quiet": 0 };
    const begin = Date.now();
    const sends: Send[] = [];
    let done = false;
    const senders = times(SENDERS, async () => {
      while (!done) {
        const send: Send = { text: `Message ${sends.length}`, transaction_id: `tx-${sends.length}` };
        sends.push(send);
        // As a client does: the same transaction id, until there is an answer.
        for (let tries = 0; !send.message_id; tries += 1) {
          if (tries > 0) await setTimeout(100);
          if (tries === 1) figures["asked again"] += 1;
          send.message_id = await accepted(app, send);
        }
      }
    });

    for (const round of times(ROUNDS, Number)) {
      await setTimeout(random() * 1_500);
      const [bridge, runtime] = [round % 3 !== 1, round % 3 !== 0];
      const apart = random() * 50;
      await Promise.all([runtime && chain.killRuntime(), bridge && setTimeout(apart).then(chain.killBridge)]);
      await Promise.all([runtime && chain.startRuntime(), bridge && chain.startBridge()]);
      figures.bridge += Number(bridge);
      figures.runtime += Number(runtime);
      await platform.scheduled();
    }
    done = true;
    figures.seconds = (Date.now() - begin) / 1000;
    await Promise.all(senders);
    await chain.age();
    await platform.scheduled();
    // Events that met a dead runtime are repeated at growing intervals, and all of them soon once one is taken.
    // One visit of the cron, which comes every minute, puts a thousand messages into their queue again, and more may have fallen out of it.
    const visits = setInterval(() => platform.scheduled().catch(() => {}), 10_000);
    const open = await until(() => chain.open(), (open) => open.length === 0, process.env.HOMEROOM_LONG ? 300 : 120);
    clearInterval(visits);

    figures["until quiet"] = (Date.now() - begin) / 1000 - figures.seconds;
    const counts = chain.counts();
    const lost = sends.filter(({ text }) => !counts.has(text));
    figures.accepted = sends.length;
    figures.lost = lost.length;
    figures.twice = sends.reduce((twice, { text }) => twice + Math.max(0, (counts.get(text) ?? 0) - 1), 0);
    figures.ambiguous = (await chain.metric("attempts_ambiguous_total")) - before;
    console.log("kills on the whole way:", figures);
    expect(lost).toEqual([]);
    expect(open).toEqual([]);
    expect(figures.twice).toBeLessThanOrEqual(WINDOW * figures.bridge);
    expect(figures.twice, "each of them known").toBeLessThanOrEqual(figures.ambiguous);
    for (const some of chunks(sends, 16)) {
      const infos = await Promise.all(some.map(({ message_id }) => app.info(message_id!)));
      for (const [i, info] of infos.entries()) {
        const { transaction_id } = some[i];
        expect(info).toMatchObject({ status: "DELIVERED", parts: { 1: "DELIVERED" }, transaction_id });
      }
    }
    const { messages, delivered, failed } = await app.do("usage");
    expect({ messages, delivered, failed }, "counted once").toEqual({ messages: sends.length, delivered: sends.length, failed: 0 });
  },
  240_000 + ROUNDS * 30_000,
);

/** The message's id, where the platform answered that it has it. */
async function accepted(app: App, { text, transaction_id }: Send): Promise<string | undefined> {
  const body = { ...ENVELOPE, destination: "+263771234567", message: text, transaction_id };
  const answer = await app.call("send", body).catch(() => undefined);
  // Nothing else than "not now" may come of a kill.
  if (answer && answer.status !== 503) expect(answer.status, answer.text).toBe(200);
  return answer?.status === 200 ? answer.body.message_id : undefined;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function chunks<T>(all: T[], size: number): T[][] {
  return times(Math.ceil(all.length / size), (n) => all.slice(n * size, (n + 1) * size));
}
