// A year of school life on the built Workers: from an empty school to printed cards and the move to the next class.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { extractImages, extractText, getDocumentProxy } from "unpdf";
import { expect, test } from "vitest";
import { ROOT } from "../../xtask/js/platform.mjs";
import { Row, Session, administrator, call, expectError, schoolAdministrator, slotOf, tally, times, usePlatform } from "./platform";

const platform = usePlatform();

/** Marks of four students in two subjects: two equals, one who was absent once, one whose mark is missing. */
const MARKS: Record<string, (number | "absent" | undefined)[]> = {
  Amina: [80, 60],
  Bheki: [60, 80],
  Chipo: [50, "absent"],
  Dalia: [90, undefined],
};

interface Year {
  admin: Session;
  session: string;
  classes: Record<string, string>;
  subjects: string[];
  students: Record<string, { id: string; registration: string }>;
  examSession: string;
  exams: string[];
}

const year = {} as Year;

test("a year is set up: session, term, form, classes, subjects, teachers, students in their class", async () => {
  const admin = await schoolAdministrator(platform, platform.schools[0]);
  const create = async (path: string, body: unknown) => (await admin.do("POST", path, body)).id as string;
  const session = await create("sessions/", {
    name: "2026", start_date: "2026-01-05T00:00:00Z", end_date: "2026-12-05T00:00:00Z", is_active: true,
  });
  await create("terms/", { session, term: "1", start_date: "2026-01-05", end_date: "2026-04-02", is_active: true });
  const form = await create("form/", { name: "Form 1", level: "O Level", sequence: 1 });
  const second = await create("form/", { name: "Form 2", level: "O Level", sequence: 2 });
  const subjects = await Promise.all(
    ["Mathematics", "English"].map((name) => create("subjects/", { name, code: name.slice(0, 4).toUpperCase() })),
  );
  for (const subject of subjects) await create("curriculum/", { form, subject });
  await create("pass-marks/", { form, subject: null, mark: 50 });
  const [one, two] = [await create("classes/", { name: "1A", form, capacity: 4 }), await create("classes/", { name: "2A", form: second })];
  await create("class-patterns/", { from_class: one, to_class: two });
  const room = await create(`sessions/${session}/academic-classes/`, { class: one });

  const users = (await admin.do("GET", "users/?search=teacher")).results;
  const teacher = await create("staff/", { user: users[0].id, staff_number: "T-1", title: "Ms", position: "Teacher" });
  for (const subject of subjects) {
    await create(`sessions/${session}/academic-classes/${room}/subject-teachers/`, { subject, teacher });
  }
  const students: Year["students"] = {};
  for (const first_name of Object.keys(MARKS)) {
    const student = await admin.do("POST", "admissions/", { first_name, last_name: "Moyo", admission_year: 2026, form });
    expect(student.student_id).toMatch(/^2026-\d{4}$/);
    students[first_name] = { id: student.id, registration: "" };
  }
  const placed = await admin.do("POST", `sessions/${session}/academic-classes/${room}/registration/`, {
    students: Object.values(students).map(({ id }) => id),
  });
  expect(placed.results.map(({ outcome }: any) => outcome)).toEqual(times(4, () => "registered"));
  const { results } = await admin.do("GET", `sessions/${session}/student-sessions/?academic_class=${room}`);
  for (const row of results) {
    const name = Object.keys(students).find((name) => students[name].id === row.student)!;
    students[name].registration = row.id;
  }
  // The class is full now.
  const late = await admin.do("POST", "admissions/", { first_name: "Late", last_name: "Comer", admission_year: 2026 });
  const refused = await admin.do("POST", `sessions/${session}/academic-classes/${room}/registration/`, { students: [late.id] });
  expect(refused.results[0].outcome).toBe("error");
  Object.assign(year, { admin, session, classes: { one, two, room }, subjects, students });
});

const examSessions = () => `sessions/${year.session}/exam-sessions/`;

test("exams are made for every teacher's assignments, once however often it is asked", async () => {
  const { admin } = year;
  const created = await admin.do("POST", examSessions(), { term: "1", name: "End of term" });
  expect(created).toMatchObject({ state: "draft", is_published: false });
  year.examSession = created.id;
  const path = `${examSessions()}${created.id}/exams/auto-create-teacher-exams/`;
  const answers = await Promise.all(times(5, () => admin.do("POST", path, {})));
  expect(answers.reduce((sum, { summary }) => sum + summary.newly_created, 0)).toBe(2);
  const again = await admin.do("POST", path, {});
  expect(again.summary).toMatchObject({ total_assignments: 2, newly_created: 0, already_existed: 2 });
  const { results } = await admin.do("GET", `${examSessions()}${created.id}/exams/`);
  year.exams = year.subjects.map((subject) => results.find((exam: any) => exam.subject === subject).id);
});

test("the teacher enters the marks of the own subjects, and two people at once lose nothing silently", async () => {
  const [school] = platform.schools;
  const teacher = await Session.start(platform, school.url, "school", school.teacher);
  for (const [nth, exam] of year.exams.entries()) {
    const rows = Object.entries(MARKS).flatMap(([name, marks]) => {
      const mark = marks[nth];
      if (mark === undefined) return [];
      const absent = mark === "absent";
      return [{ student_session: year.students[name].registration, mark: absent ? null : mark, is_absent: absent }];
    });
    const path = `${examSessions()}${year.examSession}/exams/${exam}/marks/bulk/`;
    // The same sheet from two places: every row is written once, and whoever came second learns what is there.
    const answers = await Promise.all(times(2, () => teacher.do("PUT", path, { marks: rows })));
    const outcomes = tally(answers.flatMap(({ results }) => results.map(({ outcome }: any) => outcome)));
    expect(outcomes.created).toBe(rows.length);
    expect((outcomes.unchanged ?? 0) + (outcomes.stale ?? 0)).toBe(rows.length);
  }
  const [first] = Object.values(year.students);
  const path = `${examSessions()}${year.examSession}/exams/${year.exams[0]}/marks/bulk/`;
  const change = (mark: number) =>
    teacher.do("PUT", path, { marks: [{ student_session: first.registration, mark, is_absent: false, version: 1 }] });
  const both = await Promise.all([change(81), change(82)]);
  expect(tally(both.map(({ results }) => results[0].outcome))).toEqual({ updated: 1, stale: 1 });
  await year.admin.do("PUT", path, { marks: [{ student_session: first.registration, mark: 80, is_absent: false, version: 2 }] });
});

test("two teachers save one mark sheet at once: each row is one's, the other learns so, and nothing is lost", async () => {
  const { admin } = year;
  const [school] = platform.schools;
  // One made the exam, and the other has taken the subject over.
  const other = { email: "successor@greenwood.test", first_name: "Hope", last_name: "Ncube" };
  const [role] = (await admin.do("GET", "roles/?search=Teacher")).results.filter(({ name }: Row) => name === "Teacher");
  const user = await admin.do("POST", "users/", { ...other, password: school.teacher.password, role_ids: [role.id] });
  const staff = await admin.do("POST", "staff/", { user: user.id, staff_number: "T-2" });
  const taught = `sessions/${year.session}/academic-classes/${year.classes.room}/subject-teachers/`;
  const [{ id }] = (await admin.do("GET", `${taught}?subject=${year.subjects[0]}`)).results;
  await admin.do("PATCH", `${taught}${id}/`, { teacher: staff.id });
  const teachers = await Promise.all(
    [school.teacher.email, other.email].map((email) => Session.start(platform, school.url, "school", { ...school.teacher, email })),
  );
  expect(new Set(teachers.map(({ user }) => user.id)).size).toBe(2);
  const sheet = `${examSessions()}${year.examSession}/exams/${year.exams[0]}/`;
  const stored = async (): Promise<Row[]> => (await admin.do("GET", `${sheet}sheet/`)).rows.filter(({ version }: Row) => version > 0);
  const first = await stored();
  expect(first.length).toBe(4);
  const rounds = times(6, (round) => [10 + 2 * round, 11 + 2 * round]);
  for (const marks of rounds) {
    const before = await stored();
    const answers = await Promise.all(
      teachers.map((teacher, n) => {
        const rows = before.map(({ student_session, version }) => ({ student_session, version, is_absent: false, mark: marks[n] }));
        // The other way round, so that both are in the middle of it at the same time.
        return teacher.do("PUT", `${sheet}marks/bulk/`, { marks: n === 0 ? rows : rows.toReversed() });
      }),
    );
    const after = new Map((await stored()).map((row) => [row.student_session, row]));
    for (const { student_session, version } of before) {
      const outcomes = answers.map(({ results }) => results.find((row: Row) => row.student_session === student_session));
      expect(tally(outcomes.map(({ outcome }) => outcome)), student_session).toEqual({ updated: 1, stale: 1 });
      const winner = outcomes.findIndex(({ outcome }) => outcome === "updated");
      expect(after.get(student_session)).toMatchObject({ mark: marks[winner], version: version + 1 });
      // Who came second is told what is there now, and with that can decide.
      expect(outcomes[1 - winner]).toMatchObject({ current: { mark: marks[winner] }, version: version + 1 });
    }
  }
  const logs = await admin.do("GET", `audit-logs/?table_name=marks&action=UPDATE&page_size=100`);
  const changed = logs.results.filter(({ changes }: Row) => rounds.flat().includes(changes?.mark?.to));
  expect(changed.length).toBe(4 * rounds.length);
  const back = (await stored()).map(({ student_session, version }) => {
    const { mark, is_absent } = first.find((row) => row.student_session === student_session)!;
    return { student_session, version, mark, is_absent };
  });
  const restored = await teachers[0].do("PUT", `${sheet}marks/bulk/`, { marks: back });
  expect(tally(restored.results.map(({ outcome }: Row) => outcome))).toEqual({ updated: 4 });
});

test("equals share a position, absence is left out, and who lacks a mark has none", async () => {
  const { admin } = year;
  await admin.do("PUT", "academic-settings/scale/", {
    level: "O Level",
    bands: [
      { grade: "A", rank: 1, min_mark: 70, max_mark: 100, description: "", comment: "" },
      { grade: "B", rank: 2, min_mark: 50, max_mark: 69, description: "", comment: "" },
      { grade: "U", rank: 3, min_mark: 0, max_mark: 49, description: "", comment: "" },
    ],
  });
  for (const kind of ["class-teacher-comments", "head-teacher-comments"]) {
    await admin.do("POST", `${kind}/`, { level: "O Level", min_mark: 60, max_mark: 100, text: "Well done" });
  }
  const path = `${examSessions()}${year.examSession}/`;
  const sheet = await admin.do("GET", `${path}broadsheet/?academic_class=${year.classes.room}`);
  const positions = Object.fromEntries(
    Object.entries(year.students).map(([name, { registration }]) => {
      const row = sheet.students.find((row: any) => row.student_session === registration);
      return [name, [row.position_in_class, row.average]];
    }),
  );
  expect(positions).toEqual({ Amina: [1, 70], Bheki: [1, 70], Chipo: [3, 50], Dalia: [null, 90] });
});

test("comments are those of the band of the mark or average, until somebody writes an own one", async () => {
  const { admin, students } = year;
  const template = (kind: string, min_mark: number, max_mark: number, text: string) =>
    admin.do("POST", `${kind}/`, { level: "O Level", min_mark, max_mark, text });
  for (const kind of ["class-teacher-comments", "head-teacher-comments"]) await template(kind, 0, 59, `Work harder, says ${kind}`);
  await template("teacher-comment-templates", 75, 100, "Excellent");
  await template("teacher-comment-templates", 0, 74, "Keep trying");
  const path = (name: string) => `${examSessions()}${year.examSession}/report-cards/${students[name].registration}/`;
  const comments = async (name: string) => {
    const card = await admin.do("GET", path(name));
    const of = ({ text, source }: Row) => [text, source];
    const lines = card.subjects.map(({ name, mark, comment, comment_source }: Row) => [name, mark, comment, comment_source]);
    return { subjects: lines, class_teacher: of(card.class_teacher_comment), head_teacher: of(card.head_teacher_comment) };
  };
  // Averages: 70, in the upper band; 50, of one mark, in the lower; and one that is not complete, in none.
  expect(await comments("Amina")).toEqual({
    subjects: [["English", 60, "Keep trying", "template"], ["Mathematics", 80, "Excellent", "template"]],
    class_teacher: ["Well done", "template"],
    head_teacher: ["Well done", "template"],
  });
  expect(await comments("Chipo")).toEqual({
    subjects: [["English", null, "", null], ["Mathematics", 50, "Keep trying", "template"]],
    class_teacher: ["Work harder, says class-teacher-comments", "template"],
    head_teacher: ["Work harder, says head-teacher-comments", "template"],
  });
  expect(await comments("Dalia")).toEqual({
    subjects: [["English", null, "", null], ["Mathematics", 90, "Excellent", "template"]],
    class_teacher: ["", null],
    head_teacher: ["", null],
  });

  const remark = `${examSessions()}${year.examSession}/exams/${year.exams[0]}/`;
  const { rows } = await admin.do("GET", `${remark}sheet/`);
  const { version } = rows.find((row: Row) => row.student_session === students.Amina.registration);
  const row = { student_session: students.Amina.registration, mark: 80, is_absent: false, version, comment: "Explains it to others" };
  await admin.do("PUT", `${remark}marks/bulk/`, { marks: [row] });
  await admin.do("PUT", `${path("Amina")}comments/`, { class_teacher: "A pleasure to teach", head_teacher: "Prefect next year" });
  const written = await comments("Amina");
  expect(written).toEqual({
    subjects: [["English", 60, "Keep trying", "template"], ["Mathematics", 80, "Explains it to others", "written"]],
    class_teacher: ["A pleasure to teach", "written"],
    head_teacher: ["Prefect next year", "written"],
  });
  await admin.do("PUT", `${path("Amina")}comments/`, { head_teacher: null });
  expect(await comments("Amina")).toEqual({ ...written, head_teacher: ["Well done", "template"] });
  // What others' cards say is as it was.
  expect((await comments("Bheki")).class_teacher).toEqual(["Well done", "template"]);
});

/** The phone number of Amina's mother, and the PIN of each student. */
const [PHONE, pins] = ["+263 77 123 4567", {} as Record<string, string>];

test("the school gives students PINs, which open nothing before the cards are published", async () => {
  const { admin, students } = year;
  const mother = { first_name: "Rudo", last_name: "Moyo", phone_number: PHONE, consent: { whatsapp: true } };
  const guardian = await admin.do("POST", "guardians/", mother);
  await admin.do("POST", `students/${students.Amina.id}/guardians/`, { guardian: guardian.id, relation: "mother", is_primary: true });
  const made = await admin.do("POST", `sessions/${year.session}/academic-classes/${year.classes.room}/pins/`, {});
  expect(made).toMatchObject({ class_name: "1A", set: 4, kept: 0 });
  for (const { student, pin } of made.results) {
    expect(pin).toMatch(/^\d{6}$/);
    pins[Object.keys(students).find((name) => students[name].id === student)!] = pin;
  }
  expectError(await admin.at("chatbot").call("GET", `results/?phone=263771234567&pin=${pins.Amina}`), 404, "not_found");
});

test("published cards are frozen and printed, one file for the class or one each", async () => {
  const { admin } = year;
  const path = `${examSessions()}${year.examSession}/`;
  const refused = await admin.call("POST", `${path}publish/`, {});
  expect(refused).toMatchObject({ status: 409, body: { code: "cards_incomplete", incomplete: [{ student_name: "Dalia Moyo" }] } });
  // One click that was sent four times: all get the answer of the one that was carried out.
  const key = { "idempotency-key": "publish the first term" };
  const publish = () => admin.call("POST", `${path}publish/`, { accept_incomplete: true }, key);
  const answers = await Promise.all(times(4, publish));
  expect(answers.map(({ status, body }) => [status, body.version])).toEqual(times(4, () => [200, 1]));
  const { registration } = year.students.Chipo;
  const card = await admin.do("GET", `${path}report-cards/${registration}/`);
  // A correction afterwards leaves what was published as it is, and says that it is outdated.
  const exam = `${path}exams/${year.exams[0]}/`;
  const { version } = (await admin.do("GET", `${exam}sheet/`)).rows.find((row: Row) => row.student_session === registration);
  const correction = { marks: [{ student_session: registration, mark: 99, is_absent: false, version }], reason: "Added up wrongly" };
  await admin.do("PUT", `${exam}marks/bulk/`, correction);
  const after = await admin.do("GET", `${path}report-cards/${registration}/`);
  expect(after).toMatchObject({ is_outdated: true });
  expect(after.average).toEqual(card.average);

  const print = async (query: string) => {
    const url = `${admin.origin}/api/v1/school/${path}report-cards/pdf/?academic_class=${year.classes.room}${query}`;
    const response = await platform.fetch(url, { headers: { authorization: `Bearer ${admin.tokens.access}` } });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, type: response.headers.get("content-type"), bytes };
  };
  const whole = await print("");
  expect(whole).toMatchObject({ status: 200, type: "application/pdf" });
  expect(whole.bytes.subarray(0, 5).toString()).toBe("%PDF-");
  const separate = await print("&separate=true");
  expect(separate).toMatchObject({ status: 200, type: "application/zip" });
  expect(separate.bytes.subarray(0, 2).toString()).toBe("PK");
});

/** A request whose body, or whose answer, is no JSON. */
async function file(session: Session, method: string, path: string, body?: Buffer, headers: Record<string, string> = {}) {
  const response = await platform.fetch(`${session.origin}/api/v1/school/${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${session.tokens.access}`, ...headers },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

// pdf.js takes the buffer for itself.
const pdf = (bytes: Buffer) => getDocumentProxy(new Uint8Array(bytes));

test("the school's logo is kept and printed on every card, and nothing else is taken for one", async () => {
  const { admin } = year;
  const logo = Buffer.from(readFileSync(join(ROOT, "functions/documents/src/samples/logo.txt"), "utf8"), "base64");
  const class_ = `?academic_class=${year.classes.room}`;
  const path = `${examSessions()}${year.examSession}/`;
  const drawn = async (query: string) => {
    const { status, bytes } = await file(admin, "GET", `${path}${query}`);
    expect(status).toBe(200);
    const document = await pdf(bytes);
    return Promise.all(times(document.numPages, (page) => extractImages(document, page + 1)));
  };
  expect(await drawn(`report-cards/pdf/${class_}`)).toEqual(times(4, () => []));

  const sent = await file(admin, "PUT", "logo/", logo, { "content-type": "image/png" });
  expect(sent.status, sent.bytes.toString()).toBe(200);
  for (const [nth, query] of [`report-cards/pdf/${class_}`, `broadsheet/${class_}&format=pdf`].entries()) {
    const pages = await drawn(query);
    expect(pages.length).toBe(nth === 0 ? 4 : 1);
    for (const [picture, ...others] of pages) {
      expect(others).toEqual([]);
      expect([picture.width, picture.height]).toEqual([48, 48]);
      const pixel = (x: number, y: number) => {
        const at = (y * 48 + x) * picture.channels;
        return [...picture.data.slice(at, at + 3)];
      };
      // A green square with a white cross.
      expect(pixel(1, 1)).not.toEqual([255, 255, 255]);
      expect(pixel(24, 24)).toEqual([255, 255, 255]);
    }
  }
  const page = await file(admin, "GET", `${path}report-cards/html/${class_}`);
  expect(page.bytes.toString().split(logo.toString("base64")).length - 1).toBe(1);
  expect(page.headers.get("content-security-policy")).toContain("img-src data:");

  const found = await file(admin, "GET", "logo/");
  expect(found.bytes.equals(logo)).toBe(true);
  expect(Object.fromEntries(["content-type", "cache-control", "x-content-type-options"].map((name) => [name, found.headers.get(name)])))
    .toEqual({ "content-type": "image/png", "cache-control": "private, no-cache", "x-content-type-options": "nosniff" });
  const again = await file(admin, "GET", "logo/", undefined, { "if-none-match": found.headers.get("etag")! });
  expect([again.status, again.bytes.length]).toEqual([304, 0]);

  const large = Buffer.concat([logo, Buffer.alloc(200 * 1024)]);
  for (const [type, body, status] of [
    ["image/png", logo.subarray(0, 100), 400],
    ["image/jpeg", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), 400],
    ["image/png", large, 400],
    ["image/svg+xml", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), 415],
    ["image/png", Buffer.alloc(1_100_000), 413],
  ] as const) {
    const refused = await file(admin, "PUT", "logo/", body, { "content-type": type });
    expect(refused.status, `${type}: ${refused.bytes}`).toBe(status);
  }
  expect((await file(admin, "GET", "logo/")).bytes.equals(logo)).toBe(true);
  const [, other] = platform.schools;
  const stranger = await Session.start(platform, other.url, "school", other.admin);
  expect((await file(stranger, "GET", "logo/")).status).toBe(404);
});

test("a student reads the own published card, nobody else's, and not while it is withheld", async () => {
  const { admin, students } = year;
  const [school] = platform.schools;
  const student = await Session.start(platform, school.url, "school", school.student);
  await admin.do("PATCH", `admissions/${students.Amina.id}/`, { user: student.user.id });
  const [rows] = await platform.execute(await slotOf(platform, school.slug), [
    ["SELECT id, student_session FROM report_cards WHERE is_current = 1"],
  ]);
  const cardOf = (name: string) => rows.find(({ student_session }) => student_session === students[name].registration)!.id;
  const own = `my/report-cards/${cardOf("Amina")}/`;
  const { results } = await student.do("GET", "my/report-cards/");
  expect(results.map((card: any) => card.student_name)).toEqual(["Amina Moyo"]);
  expect(await student.do("GET", own)).toMatchObject({ student_name: "Amina Moyo", average: 70, version: 1 });
  const printed = await file(student, "GET", `${own}?format=pdf`);
  expect([printed.status, printed.headers.get("content-type")]).toEqual([200, "application/pdf"]);
  const { text } = await extractText(await pdf(printed.bytes), { mergePages: true });
  expect(text).toContain("Amina Moyo");
  expect(text).not.toMatch(/Bheki|Chipo|Dalia/);
  expect(await extractImages(await pdf(printed.bytes), 1)).toHaveLength(1);

  for (const path of [`my/report-cards/${cardOf("Bheki")}/`, `my/report-cards/${cardOf("Bheki")}/?format=pdf`]) {
    expectError(await student.call("GET", path), 404, "not_found");
  }
  const card = `${examSessions()}${year.examSession}/report-cards/${students.Amina.registration}/`;
  expectError(await student.call("GET", card), 403, "permission_denied");
  await admin.do("POST", `${card}withhold/`, { reason: "Books are missing" });
  for (const path of [own, `${own}?format=pdf`]) expectError(await student.call("GET", path), 404, "not_found");
  expect((await student.do("GET", "my/report-cards/")).count).toBe(0);
  await admin.do("POST", `${card}release/`, {});
  expect((await student.do("GET", "my/report-cards/")).count).toBe(1);
});

test("the chatbot shows by phone number and PIN what the published card says, and nothing without the PIN", async () => {
  const { admin, students } = year;
  const [platformAdmin, [school, other]] = [await administrator(platform), platform.schools];
  const [{ id: client }] = (await platformAdmin.do("GET", `schools/?search=${school.slug}`)).results;
  const { key } = await platformAdmin.do("POST", "api-keys/", { name: "Chatbot", client, scopes: ["chatbot.view_*"] });
  const ask = (path: string, origin = school.url) =>
    call(platform, "GET", `${origin}/api/v1/chatbot/${path}`, { headers: { "x-api-key": key } });
  const phone = PHONE.replace(/\D/g, ""); // As a chat platform gives it.
  const found = await ask(`students/?phone=${phone}`);
  expect(found.body).toMatchObject({ count: 1, results: [{ id: students.Amina.id, name: "Amina Moyo", relation: "mother", whatsapp_consent: true }] });
  const [{ student_id }] = found.body.results;
  expect((await ask("released-exam-sessions/")).body.results.map(({ id }: Row) => id)).toEqual([year.examSession]);
  const { id: _, ...card } = await admin.do("GET", `${examSessions()}${year.examSession}/report-cards/${students.Amina.registration}/`);
  expect(card).toMatchObject({ status: "published", average: 70, position_in_class: 1 });
  for (const who of [`phone=${phone}`, `student_id=${student_id}`, `student_id=${student_id}&phone=${phone}&exam_session=${year.examSession}`]) {
    const { status, body } = await ask(`results/?${who}&pin=${pins.Amina}`);
    expect(status, who).toBe(200);
    expect(body).toMatchObject({ student: { student_id, name: "Amina Moyo" }, is_withheld: false, exam_session: year.examSession });
    const { id: _, ...shown } = body.card;
    expect(shown, who).toEqual(card);
  }
  // Another child's PIN, and nobody's: the same answer.
  const wrong = await ask(`results/?phone=${phone}&pin=${pins.Bheki}`);
  expectError(wrong, 403, "wrong_pin");
  const unknown = await ask(`results/?student_id=2026-9999&pin=${pins.Bheki}`);
  expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text]);
  // The key is of one school, and the number is known in one school.
  expect((await ask(`students/?phone=${phone}`, other.url)).status).toBe(401);
  const stranger = (await schoolAdministrator(platform, other)).at("chatbot");
  expect((await stranger.do("GET", `students/?phone=${phone}`)).count).toBe(0);
  expectError(await stranger.call("GET", `results/?phone=${phone}&pin=${pins.Amina}`), 403, "wrong_pin");

  // Twenty at once are five: one was wrong above.
  const tries = await Promise.all(times(20, () => ask(`results/?student_id=${student_id}&pin=${pins.Bheki}`)));
  expect(tally(tries.map(({ status }) => status))).toEqual({ 403: 4, 429: 16 });
  const locked = await ask(`results/?phone=${phone}&pin=${pins.Amina}`);
  expectError(locked, 429, "too_many_attempts");
  expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(800);
  const logs = await admin.do("GET", "audit-logs/?table_name=student_pins&page_size=100");
  expect(logs.count).toBe(4);
  for (const { action, changes } of logs.results) expect([action, Object.keys(changes)]).toEqual(["CREATE", ["set_at"]]);
});

test("promotion executed by ten requests at once happens once, can be undone, and leaves a history", async () => {
  const { admin } = year;
  const [school] = platform.schools;
  const student = await Session.start(platform, school.url, "school", school.student);
  const [{ id }] = (await student.do("GET", "my/report-cards/")).results;
  const exams = `${examSessions()}${year.examSession}/exams/`;
  /** The old year: who was where, its marks, and a card as its student reads it. */
  const old = async () => ({
    registrations: await admin.do("GET", `sessions/${year.session}/student-sessions/?academic_class=${year.classes.room}`),
    sheets: await Promise.all(year.exams.map((exam) => admin.do("GET", `${exams}${exam}/sheet/`))),
    card: await student.do("GET", `my/report-cards/${id}/`),
  });
  const before = await old();
  expect(before).toMatchObject({ registrations: { count: 4 }, card: { student_name: "Amina Moyo", average: 70 } });
  const next = await admin.do("POST", "sessions/", {
    name: "2027", start_date: "2027-01-05T00:00:00Z", end_date: "2027-12-05T00:00:00Z",
  });
  const room = await admin.do("POST", `sessions/${next.id}/academic-classes/`, { class: year.classes.two });
  const setup = await admin.do("POST", "session-setup/", {
    session_type: "academic_session", academic_session: next.id, previous_session: year.session,
  });
  const path = `session-setup/${setup.id}/`;
  await admin.do("PUT", `${path}student-promotions/bulk/`, {
    rows: Object.values(year.students).map(({ id }) => ({
      student: id, source_session_class: year.classes.room, destination_session_class: room.id, action: "promote",
    })),
  });
  const answers = await Promise.all(times(10, () => admin.call("POST", `${path}promotion-executions/`, {})));
  expect(tally(answers.map(({ status }) => status))).toEqual({ 201: 1, 409: 9 });
  const registered = async () => (await admin.do("GET", `sessions/${next.id}/student-sessions/`)).count;
  expect(await registered()).toBe(4);
  expect(await old(), "promotion leaves the old year as it was").toEqual(before);
  const execution = answers.find(({ status }) => status === 201)!.body;
  await admin.do("POST", `${path}promotion-executions/${execution.id}/undo/`, {});
  expect(await registered()).toBe(0);
  expectError(await admin.call("POST", `${path}promotion-executions/${execution.id}/undo/`, {}), 409, "promotion_undone");
  expect((await admin.do("GET", "student-promotion-history/")).count).toBe(4);
  expect(await old(), "and so does its undoing").toEqual(before);
  const logs = await admin.do("GET", `audit-logs/?record_id=${execution.id}`);
  expect(logs.count).toBeGreaterThanOrEqual(2);
});

test("another school sees nothing of it", async () => {
  const [, other] = platform.schools;
  const stranger = await Session.start(platform, other.url, "school", other.admin);
  const paths = [
    `sessions/${year.session}/`,
    `${examSessions()}${year.examSession}/exams/${year.exams[0]}/marks/`,
    `${examSessions()}${year.examSession}/report-cards/${year.students.Amina.registration}/`,
    `admissions/${year.students.Amina.id}/`,
  ];
  for (const path of paths) {
    const answer = await stranger.call("GET", path);
    // A record is not found; a list within one that is not there is empty.
    expect([200, 404], path).toContain(answer.status);
    expect(answer.body.count ?? 0, `${path}: ${answer.text}`).toBe(0);
    expect(answer.text).not.toContain(year.students.Amina.registration);
    const borrowed = await call(platform, "GET", `${other.url}/api/v1/school/${path}`, { token: year.admin.tokens.access });
    expect(borrowed.status).toBe(401);
  }
});

test("on D1 too no table tells who an erased student was, and nothing changes for the class", async () => {
  const { admin, students } = year;
  const slot = await slotOf(platform, platform.schools[0].slug);
  const { id } = students.Amina;
  const { student_id } = await admin.do("PATCH", `admissions/${id}/`, { enrolment: "transferred", user: null });
  const sheet = `${examSessions()}${year.examSession}/broadsheet/?academic_class=${year.classes.room}`;
  const dump = async () => {
    const [tables] = await platform.execute(slot, [["SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'"]]);
    return JSON.stringify(await platform.execute(slot, tables.map(({ name }) => [`SELECT * FROM ${name}`])));
  };
  const traces = ["Amina", PHONE.replace(/\D/g, ""), "A pleasure to teach", "Explains it to others"];
  const [before, all] = [await admin.call("GET", sheet), await dump()];
  expect(traces.filter((trace) => all.includes(trace))).toEqual(traces);
  const erase = () => admin.do("POST", `students/${id}/erase/`, { student_id, reason: "Asked for in writing." });
  const erased = await erase();
  expect(erased).toMatchObject({ id, student_id: `erased-${id}` });
  const left = await dump();
  expect(traces.filter((trace) => left.includes(trace))).toEqual([]);
  const after = await admin.call("GET", sheet);
  expect(after.text).toBe(before.text.replaceAll("Amina Moyo", "Erased student").replaceAll(`"${student_id}"`, `"${erased.student_id}"`));
  expect(await erase()).toEqual(erased);
  expectError(await admin.call("PATCH", `admissions/${id}/`, { address: "Here" }), 409, "student_erased");
});
