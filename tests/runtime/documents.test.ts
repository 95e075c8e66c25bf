// Printing on the built Worker: whole files, the fonts that it fetches, and how long a class takes.
import { expect, test } from "vitest";
import { times, usePlatform } from "./platform";

const platform = usePlatform();

const NAMES = ["Tatenda Chinyoka", "محمد عبد الرحمن", "ብርሃነ ወልደ", "श्रीकृष्ण त्रिवेदी", "王小明", "김민준", "ศิริพร", "Екатерина"];
const SUBJECTS = ["Mathematics", "English", "Shona", "Science", "History", "Geography", "Agriculture", "Religious Education", "Computing", "Art", "Sport", "Music"];

const card = (number: number) => ({
  file_name: NAMES[number % NAMES.length],
  title: "Report card",
  facts: [{ label: "Student", value: NAMES[number % NAMES.length] }],
  table: {
    columns: [{ heading: "Subject", weight: 4 }, { heading: "Mark", align: "end" }, { heading: "Grade", align: "center" }],
    rows: SUBJECTS.map((subject, index) => [subject, String(40 + ((number * 7 + index * 11) % 60)), "B"]),
  },
  paragraphs: [{ heading: "Remark", text: "A steady term." }],
  signatures: ["Class teacher", "Head"],
});

async function print(request: unknown) {
  const worker = await platform.mf.getWorker("homeroom-documents");
  const started = performance.now();
  const body = typeof request === "string" ? request : JSON.stringify(request);
  const answer = await worker.fetch("https://documents/", { method: "POST", body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, type: answer.headers.get("content-type"), bytes, millis: Math.round(performance.now() - started) };
}

const cards = (packaging: string) => ({ letterhead: { name: "Greenwood" }, sheets: times(40, card), packaging, language: "en" });

test("forty cards in eight scripts are one PDF, with the fonts of all of them", async () => {
  const first = await print(cards("single"));
  const second = await print(cards("single"));
  console.log(`40 cards as one PDF: ${first.millis} ms with fetching fonts, then ${second.millis} ms, ${second.bytes.length} bytes`);
  expect([second.status, second.type]).toEqual([200, "application/pdf"]);
  expect(second.bytes.equals(first.bytes)).toBe(true);
  expect(second.bytes.subarray(0, 5).toString()).toBe("%PDF-");
  expect(second.bytes.toString("latin1")).toMatch(/\/Count 40\b/);
  expect(second.millis).toBeLessThan(5_000);
});

test("forty cards are a ZIP of forty files", async () => {
  const { status, type, bytes, millis } = await print(cards("separate"));
  console.log(`40 cards as a ZIP: ${millis} ms, ${bytes.length} bytes`);
  expect([status, type]).toEqual([200, "application/zip"]);
  const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  expect(bytes.readUInt16LE(end + 10)).toBe(40);
});

test("what cannot be printed is refused with a code and the reason", async () => {
  const refusal = async (request: unknown) => {
    const { status, bytes } = await print(request);
    return [status, JSON.parse(bytes.toString()).code];
  };
  expect(await refusal("{")).toEqual([400, "malformed"]);
  expect(await refusal({ sheets: [] })).toEqual([422, "out_of_bounds"]);
  expect(await refusal({ sheets: times(401, card) })).toEqual([422, "out_of_bounds"]);
  expect(await refusal({ letterhead: { logo: "aGVsbG8=" }, sheets: [card(0)] })).toEqual([422, "logo"]);
});

test("the school's area is bound to it, and no route leads to it from outside", async () => {
  for (const path of ["/documents/", "/api/v1/documents/", "/Han.ttf"]) {
    const answer = await platform.fetch(`${platform.url}${path}`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(404);
  }
});
