// Holds every area to its OpenAPI document, with schemathesis against a platform of its own:
//   node run.mjs <schemathesis> <examples per operation> [area…]
// Exits with 1 when an answer is a server error or differs from the document.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, startPlatform } from "../../../xtask/js/platform.mjs";
import { startBridge } from "./bridge.mjs";

const [schemathesis, examples, ...wanted] = process.argv.slice(2);
const HERE = dirname(fileURLToPath(import.meta.url));
const CONFIG = join(HERE, "schemathesis.toml");

// They end the session that a run lives on: they have a user and a session of their own.
const ENDING = "/auth/(logout|logout-all|change-password)/$";
const PASSWORD = "good for one session";

const ADMIN_KEY = "the key of the gateway's administrators";
const BRIDGE_SECRET = "a secret between the gateway and its bridge";

const state = mkdtempSync(join(tmpdir(), "homeroom-conformance-"));
const bridge = await startBridge();
const vars = { SMS_ADMIN_KEY: ADMIN_KEY, BRIDGE_SECRET, BRIDGE_URL: bridge.url };
const platform = await startPlatform({ state, demo: true, vars });
const [school] = platform.schools;
const outcomes = [];
try {
  // The school comes first, because the run on the platform suspends and deletes schools.
  if (wants("school")) await runHouse({ area: "school", origin: school.url, signIn: school.admin });
  if (wants("chatbot")) await runChatbot({ area: "chatbot", origin: school.url });
  if (wants("sms")) await runGateway({ area: "sms", origin: platform.url });
  if (wants("system")) await runHouse({ area: "system", origin: platform.url, signIn: platform.administrator });
} finally {
  await Promise.all([platform.stop(), bridge.stop()]);
  rmSync(state, { recursive: true, force: true });
}
// At the end, where the reader of a long log looks first.
for (const { name, code, output } of outcomes) if (code !== 0) console.log(`\nOnce more, what failed: ${name}\n${failures(output)}`);
for (const { name, code, seconds } of outcomes) console.log(`${code === 0 ? "passed" : "FAILED"} ${seconds} s  ${name}`);
process.exitCode = outcomes.every(({ code }) => code === 0) ? 0 : 1;

function wants(area) {
  return wanted.length === 0 || wanted.includes(area);
}

/** An area whose users sign in. */
async function runHouse(place) {
  const token = await signIn(place, place.signIn);
  const another = { email: "ending@homeroom.test", password: PASSWORD };
  await call(place, "users/", { ...another, first_name: "E", last_name: "N" }, token);
  const ending = await signIn(place, another);
  await run("with a token", place, bearer(token), ["--exclude-path-regex", ENDING]);
  const { status } = await ask(place, "auth/me/", undefined, token);
  if (status !== 200) console.log(`The session of the run ended on the way (${status}): what came after says little.`);
  await run("with a token, what ends the session", place, bearer(ending), ["--include-path-regex", ENDING]);
  // Nearly everything is refused alike: the systematic phase would only take time.
  await run("without a token", place, [], ["--phases", "examples,fuzzing"]);
}

/** What the chatbot looks up, with a school's sign-in. */
async function runChatbot(place) {
  const token = await signIn({ area: "school", origin: place.origin }, school.admin);
  await run("with a token", place, bearer(token), []);
  await run("without a token", place, [], ["--phases", "examples,fuzzing"]);
}

/** The SMS gateway: schools sign in as everywhere, other clients have apps, and administrators a key. */
async function runGateway(place) {
  const ofSchool = { area: "school", origin: school.url };
  const token = await signIn(ofSchool, school.admin);
  const only = ["--include-path-regex", "/school/"];
  await run("as a school", { ...place, origin: school.url }, bearer(token), only);
  const apps = [];
  // The numbers in the examples are those of other accounts than the run's own.
  for (let number = 1; number <= 5; number += 1) apps.push(await register(place.origin, number));
  await platform.execute("CONTROL", [
    ["UPDATE sms_apps SET rate_per_second = 10000, burst = 100000, daily_parts = 1000000, monthly_parts = 1000000"],
  ]);
  const app = apps.pop();
  const credentials = [...bearer(app.token), `X-App-ID: ${app.app_id}`];
  await run("as an app", place, credentials, ["--exclude-path-regex", "/(admin|school)/"]);
  await run("as an administrator", place, [`X-Admin-Key: ${ADMIN_KEY}`], ["--include-path-regex", "/admin/"]);
  await run("without a credential", place, [], ["--phases", "examples,fuzzing"]);
}

async function register(origin, number) {
  const account = { email: `conformance${number}@homeroom.test`, password: PASSWORD };
  const post = async (path, body) => {
    const headers = { "content-type": "application/json", "cf-connecting-ip": `198.51.100.${number}` };
    const response = await platform.fetch(`${origin}/api/v1/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`auth/${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { app_id } = await post("register", { ...account, app_name: `conformance ${number}` });
  return { app_id, ...(await post("login", { ...account, app_id })) };
}

function bearer(token) {
  return [`Authorization: Bearer ${token}`];
}

async function run(how, { area, origin }, credentials, options) {
  const name = `${area}, ${how}`;
  console.log(`\n${name}`);
  const began = Date.now();
  const headers = [`Host: ${new URL(origin).host}`, ...credentials];
  const all = [
    ...["--config-file", CONFIG, "run", join(ROOT, "openapi", `${area}.json`)],
    ...["--url", `http://127.0.0.1:${new URL(platform.url).port}`],
    ...["--max-examples", examples, "--workers", "2"],
    ...headers.flatMap((header) => ["--header", header]),
    ...options,
  ];
  let output = "";
  const code = await new Promise((done, fail) => {
    const env = { ...process.env, SCHEMATHESIS_HOOKS: join(HERE, "one_parser.py"), PYTHONDONTWRITEBYTECODE: "1" };
    const child = spawn(schemathesis, all, { stdio: ["ignore", "pipe", "pipe"], cwd: state, env });
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.setEncoding("utf8").on("data", (text) => {
        output += text;
        to.write(text);
      });
    }
    child.on("close", (status) => done(status ?? 1));
    child.on("error", fail);
  });
  outcomes.push({ name, code, output, seconds: Math.round((Date.now() - began) / 1000) });
}

/** The part of what schemathesis prints that names what failed, or its last lines. */
function failures(output) {
  const start = output.search(/^=+ (ERRORS|FAILURES) =+$/m);
  return start < 0 ? output.slice(-4000) : output.slice(start).slice(0, 4000);
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
