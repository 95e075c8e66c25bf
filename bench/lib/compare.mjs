// Before anything is timed: the same answers byte for byte, the same statements, and the D1 trips of everyone.
import { setTimeout as wait } from "node:timers/promises";
import { connect } from "./load.mjs";
import { refusals, routes } from "./requests.mjs";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const FORMS = ["ours", "same", "idiomatic"];

export async function compare(arena, world) {
  const table = routes(world);
  const trips = {};
  const differences = [];
  for (const [route, { make, before }] of Object.entries(table)) {
    before?.();
    const seen = {};
    for (const form of FORMS) seen[form] = await observe(arena.origins[form], world, (n) => make(3 * n + FORMS.indexOf(form)), route);
    trips[route] = Object.fromEntries(FORMS.map((form) => [form, seen[form].trips]));
    for (const form of ["same", "idiomatic"]) {
      if (seen[form].answer !== seen.ours.answer) differences.push(difference(route, form, seen.ours.answer, seen[form].answer));
    }
    if (seen.same.statements !== seen.ours.statements) {
      differences.push(difference(`${route}: statements`, "same", seen.ours.statements, seen.same.statements));
    }
  }
  for (const [name, request] of Object.entries(refusals(world))) {
    const answers = {};
    for (const form of FORMS) {
      const client = connect(arena.origins[form], world.host);
      const { status, headers, text } = await client.send(request);
      answers[form] = `${status} ${headers["content-type"]} ${text}`;
      await client.close();
    }
    for (const form of ["same", "idiomatic"]) {
      if (answers[form] !== answers.ours) differences.push(difference(name, form, answers.ours, answers[form]));
    }
  }
  return { trips, differences };
}

/** One request on a warm isolate, where schools and, except for a new token, sign-ins are known. */
async function observe(origin, world, make, route) {
  const client = connect(origin, world.host);
  const statements = async () => {
    await wait(150);
    return JSON.parse((await client.send({ method: "GET", path: "/__statements", headers: {} })).text);
  };
  let answer, trips, awaited;
  for (let attempt = 0; attempt < 5; attempt++) {
    await client.send(route === "me-first-seen" ? routes(world).me.make() : make(attempt));
    await statements();
    answer = await client.send(make(attempt));
    ({ trips, awaited } = await statements());
    // On a slow machine what was known of the school may be two seconds old by then.
    if (trips.every(([binding], place) => binding !== "CONTROL" || place > 0)) break;
  }
  await client.close();
  const { status, headers, text } = answer;
  const isNew = status === 201 || route === "login";
  const body = isNew ? normalise(text, world) : text;
  const surrounding = ["content-type", "cache-control", "content-security-policy", "referrer-policy", "vary", "x-content-type-options"];
  const location = headers.location?.replace(UUID, "<new>");
  const head = [status, location, ...surrounding.map((name) => headers[name])];
  const { port } = new URL(origin);
  return {
    answer: `${head.join("\n")}\n${body}`.replaceAll(`localhost:${port}`, "localhost:PORT"),
    statements: JSON.stringify(trips, null, 1),
    trips: { answered: awaited, afterwards: trips.length - awaited },
  };
}

/** Ids of this request, times of now, addresses that had to be unique, and tokens once they are found to be equal. */
function normalise(text, { school, admin }) {
  return text
    .replace(UUID, (id) => (id.startsWith("0198") || [school, admin].includes(id) ? id : "<new>"))
    .replace(/"(access)":"([^"]+)"/, (_, name, token) => `"${name}":${JSON.stringify(readToken(token))}`)
    .replace(/"refresh":"[\w-]{43}"/, '"refresh":"<43 letters>"')
    .replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"<time>"')
    .replace(/bench-[0-9a-f]+-\d+/g, "<unique>");
}

function readToken(token) {
  const [head, claims, signature] = token.split(".");
  const parts = [head, claims].map((part) => JSON.parse(Buffer.from(part, "base64url")));
  const life = parts[1].exp - parts[1].iat;
  Object.assign(parts[1], { sid: "<new>", iat: "<now>", exp: life });
  const sorted = parts.map((part) => Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify([...sorted, signature.length]);
}

function difference(what, form, ours, theirs) {
  let place = 0;
  while (ours[place] === theirs[place]) place += 1;
  const part = (text) => text.slice(Math.max(0, place - 60), place + 120);
  return `${what}, ${form}:\n  ours … ${part(ours)}\n  peer … ${part(theirs)}`;
}
