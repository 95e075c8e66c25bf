// What is measured: the requests of each route, and the tokens behind them.
import { createHmac, hkdfSync, randomBytes } from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An access token as the platform signs it. */
export function accessToken(masterKeys, school, user, session) {
  const [kid, encoded] = masterKeys.split(",")[0].split(":");
  const info = `homeroom/v1/access-token/${school}/${kid}`;
  const key = Buffer.from(hkdfSync("sha256", Buffer.from(encoded, "base64url"), "", info, 32));
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: "homeroom/school", aud: school, knd: "access", sub: user, sid: session, iat, exp: iat + 900 };
  const signed = `${encode({ alg: "HS256", kid, typ: "at+jwt" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** The routes; `make(n)` gives the n-th request, each one new where it has to be. */
export function routes(world) {
  const token = () => accessToken(world.masterKeys, world.school, world.admin, world.sessions[0]);
  const unique = randomBytes(4).toString("hex");
  const bearer = { authorization: `Bearer ${token()}` };
  const get = (path, headers = bearer) => ({ method: "GET", path: `/api/v1/school/${path}`, headers });
  const post = (path, body, headers = bearer) => ({
    method: "POST",
    path: `/api/v1/school/${path}`,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  let made = 0;
  const person = () => ({ first_name: "Ruth", last_name: "Ncube" });
  return {
    me: { title: "me", requests: 80, make: () => get("auth/me/") },
    "me-first-seen": {
      title: "me, sign-in not cached",
      requests: 80,
      before: () => {
        world.tokens = world.sessions.slice(1).map((id) => accessToken(world.masterKeys, world.school, world.admin, id));
      },
      make: (n) => get("auth/me/", { authorization: `Bearer ${world.tokens[n % world.tokens.length]}` }),
    },
    list: { title: "list users (50 rows)", requests: 40, make: () => get("users/?page_size=50") },
    "create-staff": {
      title: "create staff",
      requests: 30,
      make: () => post("staff/", { staff_number: `bench-${unique}-${made++}`, title: "Ms", position: "Teacher" }),
    },
    "create-user": {
      title: "create user (with Argon2id)",
      requests: 6,
      make: () =>
        post("users/", { email: `bench-${unique}-${made++}@greenwood.test`, ...person(), password: "violet harbour 8" }),
    },
    login: {
      title: "login (with Argon2id)",
      requests: 6,
      make: () => post("auth/login/", world.signIn, {}),
    },
  };
}

/** What a wrong request is answered, compared but not timed. */
export function refusals(world) {
  const bearer = { authorization: `Bearer ${accessToken(world.masterKeys, world.school, world.admin, world.sessions[0])}` };
  const json = { "content-type": "application/json" };
  const bad = { email: "nobody", first_name: " ", password: "12345678", colour: "red" };
  return {
    "me without a token": { method: "GET", path: "/api/v1/school/auth/me/", headers: {} },
    "me with a forged token": {
      method: "GET",
      path: "/api/v1/school/auth/me/",
      headers: { authorization: `${bearer.authorization.slice(0, -4)}AAAA` },
    },
    "create user with four mistakes": {
      method: "POST",
      path: "/api/v1/school/users/",
      headers: { ...bearer, ...json },
      body: JSON.stringify(bad),
    },
    "list with a wrong page": { method: "GET", path: "/api/v1/school/users/?page=0", headers: bearer },
  };
}
