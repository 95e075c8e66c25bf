// The bridge's page as a person sees it: a browser's DOM runs its script against a bridge with message centres.
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Browser, type BrowserPage } from "happy-dom";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../xtask/js/platform/ports.mjs";
import { PROGRAM, until } from "./chain";
import { temporaryState, times } from "./platform";

const SECRET = "a secret of the dashboard's test";
/** A centre's name for itself that would be HTML, if it were not shown as text. */
const HOSTILE = "<img src=x>";

const state = temporaryState();
const children: ChildProcess[] = [];
const hostile = createServer();
const browser = new Browser({ settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true } });
let url: string;
let page: BrowserPage;
let centres: ChildProcess[];
let bridge: ChildProcess;

beforeAll(async () => {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run \`cargo build --package homeroom-bridge\`.`);
  const started = await Promise.all(times(2, startCentre));
  centres = started.map(({ child }) => child);
  const [rest, grpc] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${rest}`;
  const link = (number: number, more: string) =>
    `[links.${number}]\nhost = "127.0.0.1"\npassword = "secret"\nrate = 50\nwindow = 7\n${more}\n`;
  const config = `
[listen]
rest = "127.0.0.1:${rest}"
grpc = "127.0.0.1:${grpc}"
[platform]
url = "http://127.0.0.1:9"
secret = "${SECRET}"
[keys]
sms = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
[log]
level = "error"
${link(100, `system_id = "school"\nport = ${started[0].port}`)}
${link(101, `system_id = "school"\nport = ${started[1].port}`)}
${link(102, `system_id = "school"\nport = ${await startHostile()}`)}
${link(103, `system_id = "school"\nport = 1\ndisabled = true`)}
[pools.1000]
links = { 100 = 1, 101 = 1 }
rate = 80
`;
  writeFileSync(join(state, "bridge.toml"), config, { mode: 0o600 });
  await startBridge();
  page = browser.newPage();
  await page.goto(`${url}/dashboard/`);
});

afterAll(async () => {
  await browser.close();
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? end(child)));
  hostile.close();
  rmSync(state, { recursive: true, force: true });
});

async function startCentre() {
  const child = spawn(PROGRAM, ["smsc", "--listen", "127.0.0.1:0", "--attached"], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line")) as [string];
  return { child, port: Number(/:(\d+);/.exec(line)![1]) };
}

/** A centre that answers everything with its name. */
async function startHostile(): Promise<number> {
  hostile.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("data", (pdu) => {
      const answer = Buffer.alloc(16 + HOSTILE.length + 1);
      answer.writeUInt32BE(answer.length);
      answer.writeUInt32BE(pdu.readUInt32BE(4) + 0x8000_0000, 4);
      answer.writeUInt32BE(pdu.readUInt32BE(12), 12);
      answer.write(HOSTILE, 16, "latin1");
      socket.write(answer);
    });
  });
  hostile.listen(0, "127.0.0.1");
  await once(hostile, "listening");
  return (hostile.address() as AddressInfo).port;
}

async function startBridge() {
  bridge = spawn(PROGRAM, ["run", "--config", "bridge.toml", "--attached"], { cwd: state, stdio: ["pipe", "inherit", "inherit"] });
  children.push(bridge);
  const ready = await until(() => fetch(`${url}/ready`).then(({ ok }) => ok, () => false), Boolean);
  expect(ready, "the bridge is ready").toBe(true);
}

async function end(child: ChildProcess) {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Messages of a campaign, as the platform sends them. */
async function send(count: number) {
  const messages = times(count, (n) => ({
    message_id: `m-${n}`,
    app_id: 1,
    transaction_id: `m-${n}`,
    task_id: 7,
    esme: 1000,
    source: "School",
    destination: "+263771234567",
    text: `Message ${n}`,
  }));
  const body = JSON.stringify({ messages });
  const seconds = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", SECRET).update(`request.${seconds}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "webhook-id": "request",
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${signature}`,
  };
  const answer = await fetch(`${url}/v1/submissions`, { method: "POST", headers, body });
  expect(answer.status, await answer.clone().text()).toBe(200);
}

const one = (selector: string) => page.mainFrame.document.querySelector(selector)!;
const text = (selector: string) => one(selector).textContent.trim();
/** What the rows of a table say, cell by cell. */
const rows = (table: string) =>
  [...page.mainFrame.document.querySelectorAll(`#${table} tr`)].map((row) => [...row.children].map((cell) => cell.textContent));
const heads = (table: string) => [...one(`#${table}`).parentElement!.querySelectorAll("thead th")].map((cell) => cell.textContent);
const figures = () =>
  Object.fromEntries([...page.mainFrame.document.querySelectorAll("#figures div")].map((box) => [...box.children].map((one) => one.textContent.trim())));
const states = () => [...page.mainFrame.document.querySelectorAll("#links .state")].map((one) => [one.textContent, one.className]);
const UP = ["up", "state up"];

test("its rows say what links, pools and campaigns are doing", async () => {
  const links = await until(() => rows("links"), (links) => links.filter(([, , state]) => state === "up").length === 3);
  const clock = expect.stringMatching(/^\d\d:\d\d:\d\d$/);
  expect(heads("links")).toEqual(["Link", "Centre", "State", "Rate a second", "In flight", "Window", "Seen"]);
  expect(links).toEqual([
    ["100", "loopback", "up", "50", "0", "7", clock],
    ["101", "loopback", "up", "50", "0", "7", clock],
    ["102", HOSTILE, "up", "50", "0", "7", clock],
    ["103", "", "off", "0", "0", "7", "never"],
  ]);
  expect(states()).toEqual([UP, UP, UP, ["off", "state disabled"]]);
  expect(text("#links-sum")).toBe("3 of 4 up");
  expect(rows("pools")).toEqual([["1000", "80", "0", "100: 0 · 101: 0"]]);
  expect(rows("campaigns")).toEqual([["No campaign yet."]]);

  await send(20);
  await until(figures, (now) => now.Delivered === "20 parts");
  expect(figures()).toMatchObject({ Accepted: "20", Delivered: "20 parts", Waiting: "0", "Errors, last minute": "0 %" });
  const [[pool, rate, waiting, distribution]] = rows("pools");
  expect([pool, rate, waiting]).toEqual(["1000", "80", "0"]);
  const [, first, second] = /^100: (\d+) · 101: (\d+)$/.exec(distribution)!.map(Number);
  expect([first + second, first > 5, second > 5], distribution).toEqual([20, true, true]);
  expect(rows("campaigns")).toEqual([["Campaign 7", "20"]]);
  expect(text("#peak")).toMatch(/^peak [1-9]\d*$/);
  expect(one("#accepted").getAttribute("d"), "a line").toMatch(/^M0\.0 [\d.]+L/);
  expect(text("#chart-text")).toMatch(/^Accepted \d+ and delivered \d+ a second; the highest of the last minute is [1-9]\d*$/);
  expect([...one("#usage").children].map((part) => part.textContent).join(" ")).toMatch(/Processor .*% Memory .*% Disk .*%/);
  expect(text("#seen")).toMatch(/^updated \d\d:\d\d:\d\d$/);
  expect(one("#trouble").hasAttribute("hidden")).toBe(true);
});

test("a hostile name is text, not HTML", () => {
  expect(rows("links")[2][1]).toBe(HOSTILE);
  expect(page.mainFrame.document.querySelectorAll("img")).toHaveLength(0);
});

test("a link that drops is shown as down", async () => {
  await end(centres[1]);
  await until(states, ([, second]) => second[0] === "down");
  expect(states()).toEqual([UP, ["down", "state down"], UP, ["off", "state disabled"]]);
  expect(text("#links-sum")).toBe("2 of 4 up");
});

test("a bridge that is away is said to be, and no more once it is back", async () => {
  // All but when they were seen: an answer may be on its way still.
  const known = () => rows("links").map((cells) => cells.slice(0, -1));
  const before = known();
  await end(bridge);
  await until(() => one("#trouble").hasAttribute("hidden"), (hidden) => !hidden);
  expect(text("#trouble")).toMatch(/^The bridge does not answer \(.+\)\. These figures are old; trying again\.$/);
  expect(one("#trouble").getAttribute("role"), "a screen reader says it").toBe("alert");
  expect(known(), "what was known stays").toEqual(before);
  await startBridge();
  expect(await until(() => one("#trouble").hasAttribute("hidden"), Boolean)).toBe(true);
  expect((await until(states, ([first]) => first[0] === "up"))[0]).toEqual(UP);
});
