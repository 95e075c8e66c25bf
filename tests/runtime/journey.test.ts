// From sign-in to changed data through the gateway, as a client sees it.
import { expect, test } from "vitest";
import { Session, administrator, call, expectError, schoolAdministrator, usePlatform } from "./platform";

const platform = usePlatform();

test("a platform administrator signs in, and makes, finds, changes and ends what the platform consists of", async () => {
  const admin = await administrator(platform);
  const me = await admin.do("GET", "auth/me/");
  expect(me).toMatchObject({ email: platform.administrator.email, client: null });
  expect(me.permissions).toContain("system.add_school");

  const [role] = (await admin.do("GET", "roles/?page_size=1")).results;
  const created = await admin.call("POST", "users/", {
    email: "Ops@Homeroom.test",
    first_name: "Oona",
    last_name: "Petrov",
    password: "a long enough one",
    role_ids: [role.id],
  });
  expect(created.status, created.text).toBe(201);
  const path = `users/${created.body.id}/`;
  expect(created.headers.get("location")).toBe(`/api/v1/system/${path}`);
  expect(await admin.do("GET", path)).toEqual(created.body);
  expect(created.body.email).toBe("ops@homeroom.test");
  expect(await admin.do("PATCH", path, { last_name: "Petrova" })).toMatchObject({ last_name: "Petrova" });
  expect((await admin.do("GET", "users/?search=petrova")).results.map(({ id }: any) => id)).toEqual([created.body.id]);
  expect((await admin.call("DELETE", path)).status).toBe(204);
  expectError(await admin.call("GET", path), 404, "not_found");

  const logs = await admin.do("GET", `audit-logs/?record_id=${created.body.id}&ordering=timestamp`);
  expect(logs.results.map(({ action }: any) => action)).toEqual(["CREATE", "UPDATE", "DELETE"]);
  expect(logs.results[1].changes.last_name).toEqual({ from: "Petrov", to: "Petrova" });
});

test("a school's administrator signs in, and makes, finds, changes and ends users and staff", async () => {
  const admin = await schoolAdministrator(platform, platform.schools[0]);
  const me = await admin.do("GET", "auth/me/");
  expect(me).toMatchObject({ email: platform.schools[0].admin.email, school: { schema_name: "greenwood" } });

  const body = { email: "new@greenwood.test", first_name: "Nia", last_name: "Chen" };
  const user = await admin.do("POST", "users/", { ...body, teacher_profile: { staff_number: "T-1" } });
  expect(user.teacher_profile.staff_number).toBe("T-1");
  const staff = await admin.do("GET", `staff/${user.teacher_profile.id}/`);
  expect(staff).toMatchObject({ user: user.id, staff_number: "T-1" });

  const password = user.temporary_password;
  const herself = await Session.start(platform, admin.origin, "school", { email: body.email, password });
  expectError(await herself.call("GET", "users/"), 403, "password_change_required");
  const tokens = await herself.do("POST", "auth/change-password/", {
    old_password: password,
    new_password: "an entirely new one",
  });
  expect((await call(platform, "GET", `${admin.origin}/api/v1/school/auth/me/`, { token: tokens.access })).status).toBe(200);

  expect(await admin.do("PUT", `users/${user.id}/`, { ...body, first_name: "Niamh" })).toMatchObject({
    first_name: "Niamh",
  });
  expect((await admin.call("DELETE", `users/${user.id}/`)).status).toBe(204);
  const gone = await call(platform, "GET", `${admin.origin}/api/v1/school/auth/me/`, { token: tokens.access });
  expectError(gone, 401, "not_authenticated");
});

test("a bookmark goes out with an answer, comes back in, and a read with it sees the write before it", async () => {
  const admin = await schoolAdministrator(platform, platform.schools[0]);
  const write = await admin.call("POST", "roles/", { name: "Librarian" });
  expect(write.status, write.text).toBe(201);
  const bookmark = write.headers.get("x-d1-bookmark");
  expect(bookmark).toMatch(/^[\da-zA-Z-]{8,128}$/);
  const read = await admin.call("GET", `roles/${write.body.id}/`, undefined, { "x-d1-bookmark": bookmark! });
  expect(read.body).toEqual(write.body);
  // A bookmark grows with the database, and names no place to go back to.
  expect(read.headers.get("x-d1-bookmark")! >= bookmark!).toBe(true);
  for (const other of ["first-primary", "\xd7", "0".repeat(129)]) {
    expectError(await admin.call("GET", "roles/", undefined, { "x-d1-bookmark": other }), 400, "malformed");
  }
});

test("both slash forms and form-encoded bodies mean the same", async () => {
  const admin = await schoolAdministrator(platform, platform.schools[0]);
  expect(await admin.do("GET", "users?page_size=2")).toEqual({
    ...(await admin.do("GET", "users/?page_size=2")),
    next: expect.stringContaining("page=2"),
  });
  const form = (path: string, fields: string) =>
    platform.fetch(`${admin.origin}/api/v1/school/${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${admin.tokens.access}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: fields,
    });
  for (const [index, path] of ["users", "users/"].entries()) {
    const response = await form(path, `email=form${index}%40greenwood.test&first_name=F%C3%B6rm+${index}&last_name=L`);
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ email: `form${index}@greenwood.test`, first_name: `Förm ${index}` });
  }
});

test("an unknown host, path or method is refused in the dialect, with the client's request id", async () => {
  const headers = { "x-request-id": "my-own-id.1" };
  const nowhere = await call(platform, "GET", `${platform.schoolUrl("nowhere")}/api/v1/school/users/`, { headers });
  expectError(nowhere, 404, "unknown_host");
  expect(nowhere.headers.get("x-request-id")).toBe("my-own-id.1");
  const login = `${platform.schoolUrl("nowhere")}/api/v1/school/auth/login/`;
  expectError(await call(platform, "POST", login, { body: platform.administrator }), 404, "unknown_host");
  expectError(await call(platform, "GET", `${platform.url}/api/v1/nothing/`), 404, "not_found");
  const wrongMethod = await call(platform, "DELETE", `${platform.schools[0].url}/api/v1/school/users/`);
  expectError(wrongMethod, 405, "method_not_allowed");
  expect(wrongMethod.headers.get("allow")).toMatch(/GET/);
});

test("the documents and the page that shows them are served", async () => {
  for (const [path, title] of [
    ["/api/schema/", /Homeroom/],
    ["/api/schema/system/", /platform administration/],
    ["/api/schema/school", /school/],
  ] as const) {
    const document = await call(platform, "GET", `${platform.url}${path}`);
    expect(document.status, path).toBe(200);
    expect(document.body.openapi).toMatch(/^3\.1/);
    expect(document.body.info.title).toMatch(title);
  }
  const page = await call(platform, "GET", `${platform.url}/api/docs/`);
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toContain("text/html");
  const root = await call(platform, "GET", `${platform.url}/`);
  expect([root.status, root.headers.get("location")]).toEqual([302, "/api/docs/"]);
});
