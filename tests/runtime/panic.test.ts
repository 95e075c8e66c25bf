// A request that panics, in a build of the system area that has a route for it.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../xtask/js/platform.mjs";
import { type Answer, Session, administrator, call, expectError, login, tally, times, usePlatform } from "./platform";

const BUILD = join(resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"), "panic-route", "system");
const PANIC = "api/v1/system/panic/";

beforeAll(() => {
  if (!existsSync(join(BUILD, "index.js"))) throw new Error("run `cargo xtask build system --panic-route` first");
});

describe("in the build with the route", () => {
  const lines: string[] = [];
  const platform = usePlatform({ builds: { system: BUILD }, log: (line: string) => lines.push(line) });
  let admin: Session;

  const panic = (id?: string) =>
    call(platform, "GET", `${admin.origin}/${PANIC}`, {
      token: admin.tokens.access,
      headers: id ? { "x-request-id": id } : {},
    });

  test("a request that panics answers 500 in the dialect, and the fifty beside it finish", async () => {
    admin = await administrator(platform);
    const slow = times(25, () => login(platform, admin.origin, "system", platform.administrator));
    const quick = times(25, (i) => admin.call("POST", "roles/", { name: `Beside ${i}`, permissions: [] }));
    const [panicked, ...others] = await Promise.all([panic("the-one-that-panics"), ...slow, ...quick]);
    expectError(panicked, 500, "internal_error");
    expect(panicked.headers.get("x-request-id")).toBe("the-one-that-panics");
    expect(panicked.headers.get("content-type")).toContain("application/json");
    expect(panicked.text, "nothing internal").not.toContain("to panic");
    expect(tally((others as Answer[]).map(({ status }) => status))).toEqual({ 200: 25, 201: 25 });
    expect((await admin.do("GET", "roles/?search=Beside&page_size=1")).count).toBe(25);
    const panics = () => lines.filter((line) => line.includes('"event":"panic"'));
    await expect.poll(panics, { timeout: 60_000 }).toHaveLength(1);
  });

  test("twenty panics in a row and at once each cost one request, and the next ones are answered", async () => {
    for (const _ of times(10, Number)) {
      expectError(await panic(), 500, "internal_error");
      expect((await admin.call("GET", "auth/me/")).status).toBe(200);
    }
    const answers = await Promise.all(times(20, (i) => (i % 2 ? panic() : admin.call("GET", "users/"))));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 10, 500: 10 });
    expect((await admin.call("GET", "users/")).status).toBe(200);
  });
});

describe("in the build that is deployed", () => {
  const platform = usePlatform();

  test("there is no such route, nor its code", async () => {
    const admin = await administrator(platform);
    const answer = await call(platform, "GET", `${admin.origin}/${PANIC}`, { token: admin.tokens.access });
    expectError(answer, 404, "not_found");
    const has = (folder: string) => readFileSync(join(folder, "index_bg.wasm")).includes("system/panic/");
    expect([has(BUILD), has(join(ROOT, "functions", "system", "build"))]).toEqual([true, false]);
  });
});
