// Webhooks on the real runtime: a school's outbox, the system Worker's minute, and somebody's server.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { Session, administrator, schoolAdministrator, usePlatform, type Row } from "./platform";

const platform = usePlatform();

/** An exam session with one mark of one student; gives its path and id. */
async function examined(admin: Session) {
  const create = async (path: string, body: unknown) => (await admin.do("POST", path, body)).id as string;
  const session = await create("sessions/", {
    name: "2026", start_date: "2026-01-05T00:00:00Z", end_date: "2026-12-05T00:00:00Z", is_active: true,
  });
  const form = await create("form/", { name: "Form 1", level: "O Level", sequence: 1 });
  const subject = await create("subjects/", { name: "Mathematics", code: "MATH" });
  await create("curriculum/", { form, subject });
  const room = await create(`sessions/${session}/academic-classes/`, { class: await create("classes/", { name: "1A", form }) });
  const student = await create("admissions/", { first_name: "Rudo", last_name: "Ncube", admission_year: 2026, form });
  await admin.do("POST", `sessions/${session}/academic-classes/${room}/registration/`, { students: [student] });
  const exams = `sessions/${session}/exam-sessions/`;
  const exam_session = await create(exams, { term: "1", name: "End of term" });
  const path = `${exams}${exam_session}/`;
  const teacher = await create("staff/", { staff_number: "T-1" });
  const exam = `${path}exams/${await create(`${path}exams/`, { academic_class: room, subject, teacher })}/`;
  const { rows } = await admin.do("GET", `${exam}sheet/`);
  await admin.do("PUT", `${exam}marks/bulk/`, { marks: [{ student_session: rows[0].student_session, mark: 77, is_absent: false }] });
  return { path, session, exam_session, room };
}

test("a publication reaches a webhook as one signed request, which comes again until it is taken", async () => {
  const told: Row[] = [];
  const answers = [500, 302];
  const receiver = createServer(async (request, response) => {
    told.push({ method: request.method, url: request.url, headers: request.headers, body: await text(request) });
    response.writeHead(answers.shift() ?? 204, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const [school] = platform.schools;
  const [system, admin] = [await administrator(platform), await schoolAdministrator(platform, school)];
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const webhook = await system.do("POST", "webhooks/", { url, events: ["results.published"] });
  const { path, session, exam_session, room } = await examined(admin);
  const publish = await admin.call("POST", `${path}publish/`, { accept_incomplete: true });
  expect(publish.status, publish.text).toBe(200);
  const delivery = async () => (await system.do("GET", `webhooks/${webhook.id}/deliveries/`)).results[0];
  await expect.poll(delivery, { timeout: 60_000 }).toMatchObject({ state: "waiting", schema_name: school.slug });
  for (const [attempts, answered] of [[1, 500], [2, 302], [3, 204]]) {
    await platform.scheduled();
    expect(await delivery()).toMatchObject({ attempts, answered });
    await platform.execute("CONTROL", [["UPDATE webhook_deliveries SET due_at = 0"]]);
  }
  await platform.scheduled();
  expect(await delivery()).toMatchObject({ state: "delivered", event: "results.published" });
  expect(told).toHaveLength(3);
  const key = Buffer.from(webhook.secret.replace("whsec_", ""), "base64");
  for (const { method, url, headers, body } of told) {
    const id = JSON.parse(body).id;
    const signed = createHmac("sha256", key).update(`${id}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
    expect([method, url, headers["webhook-id"]]).toEqual(["POST", "/hook", id]);
    expect(headers["webhook-signature"]).toBe(`v1,${signed}`);
    expect(body).toBe(told[0].body);
  }
  expect(JSON.parse(told[0].body)).toMatchObject({
    type: "results.published",
    school: { schema_name: school.slug },
    data: { session, exam_session, academic_class: null, academic_classes: [room], version: 1, cards: 1 },
  });
  // A ping goes right after the answer, without the minute.
  const ping = await system.do("POST", `webhooks/${webhook.id}/test/`);
  await expect.poll(() => told.length, { timeout: 60_000 }).toBe(4);
  expect(JSON.parse(told[3].body)).toMatchObject({ type: "ping", id: ping.id, school: null });
  receiver.close();
  receiver.closeAllConnections();
});
