// Holds every area to its OpenAPI document, with schemathesis against a platform of its own:
//   node run.mjs <schemathesis> <examples per operation> [area…]
// Exits with 1 when an answer is a server error or differs from the document.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, startPlatform } from "../../../xtask/js/platform.mjs";

const [schemathesis, examples, ...wanted] = process.argv.slice(2);
const CONFIG = join(dirname(fileURLToPath(import.meta.url)), "schemathesis.toml");

// They end the session that a run lives on: they have a user and a session of their own.
const ENDING = "/auth/(logout|logout-all|change-password)/$";
const PASSWORD = "good for one session";

const state = mkdtempSync(join(tmpdir(), "homeroom-conformance-"));
const platform = await startPlatform({ state, demo: true });
// The school comes first, because the run on the platform suspends and deletes schools.
const [school] = platform.schools;
const areas = [
  { area: "school", origin: school.url, signIn: school.admin },
  { area: "system", origin: platform.url, signIn: platform.administrator },
].filter(({ area }) => wanted.length === 0 || wanted.includes(area));
const outcomes = [];
try {
  for (const place of areas) {
    const token = await signIn(place, place.signIn);
    const another = { email: "ending@homeroom.test", password: PASSWORD };
    await call(place, "users/", { ...another, first_name: "E", last_name: "N" }, token);
    const ending = await signIn(place, another);
    await run("with a token", place, token, ["--exclude-path-regex", ENDING]);
    const { status } = await ask(place, "auth/me/", undefined, token);
    if (status !== 200) console.log(`The session of the run ended on the way (${status}): what came after says little.`);
    await run("with a token, what ends the session", place, ending, ["--include-path-regex", ENDING]);
    // Nearly everything is refused alike: the systematic phase would only take time.
    await run("without a token", place, undefined, ["--phases", "examples,fuzzing"]);
  }
} finally {
  await platform.stop();
  rmSync(state, { recursive: true });
}
for (const { name, code, seconds } of outcomes) console.log(`${code === 0 ? "passed" : "FAILED"} ${seconds} s  ${name}`);
process.exitCode = outcomes.every(({ code }) => code === 0) ? 0 : 1;

async function run(how, { area, origin }, token, options) {
  const name = `${area}, ${how}`;
  console.log(`\n${name}`);
  const began = Date.now();
  const headers = [`Host: ${new URL(origin).host}`, ...(token ? [`Authorization: Bearer ${token}`] : [])];
  const all = [
    ...["--config-file", CONFIG, "run", join(ROOT, "openapi", `${area}.json`)],
    ...["--url", `http://127.0.0.1:${new URL(platform.url).port}`],
    ...["--max-examples", examples, "--workers", "2"],
    ...headers.flatMap((header) => ["--header", header]),
    ...options,
  ];
  const code = await new Promise((done, fail) => {
    const child = spawn(schemathesis, all, { stdio: ["ignore", "inherit", "inherit"], cwd: state });
    child.on("exit", (status) => done(status ?? 1));
    child.on("error", fail);
  });
  outcomes.push({ name, code, seconds: Math.round((Date.now() - began) / 1000) });
}

async function signIn(place, person) {
  return (await call(place, "auth/login/", person)).access;
}

async function call(place, path, body, token) {
  const response = await ask(place, path, body, token);
  const text = await response.text();
  if (!response.ok) throw new Error(`${place.area}/${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

function ask({ area, origin }, path, body, token) {
  return platform.fetch(`${origin}/api/v1/${area}/${path}`, {
    method: body ? "POST" : "GET",
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  });
}
