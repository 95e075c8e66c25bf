// The SMS gateway on the real runtime: the Worker, its queues, and a stand-in for the bridge.
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, usePlatform, type Answer, type Row } from "./platform";
import { App } from "./sms-app";

const SECRET = "a secret of the runtime tests long enough";

/** What a bridge does, as far as the platform sees it. */
class Bridge {
  readonly bodies: Row[] = [];
  /** Requests that are refused before one is taken. */
  failures = 0;
  url = "";
  readonly #server = createServer(async (request, response) => {
    const body = await text(request);
    const { status, answer } = this.#answer(request, body);
    response.writeHead(status, { "content-type": "application/json" }).end(answer);
  });

  async start() {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, body: string) {
    if (request.url === "/metrics") return { status: 200, answer: "bridge_links 1\n" };
    if (request.url?.startsWith("/dashboard/")) return { status: 200, answer: '{"success":true,"data":[]}' };
    const given = request.headers["webhook-signature"];
    const right = signature(String(request.headers["webhook-id"]), String(request.headers["webhook-timestamp"]), body);
    if (given !== right) return { status: 401, answer: '{"error":"invalid signature"}' };
    if (request.url === "/v1/links") {
      const link = { id: 100, system_id: "my_system", status: "up", rate: 50, in_flight: 0, window: 10, last_check: 0 };
      return { status: 200, answer: JSON.stringify({ links: [link], pools: [] }) };
    }
    if (request.url === "/v1/cancellations") return { status: 200, answer: '"too_late"' };
    if (this.failures > 0) {
      this.failures -= 1;
      return { status: 503, answer: '{"error":"not now"}' };
    }
    const { messages } = JSON.parse(body);
    this.bodies.push(...messages);
    const outcomes = messages.map(({ message_id }: Row) => ({ outcome: "accepted", message_id, sms_ids: [`${message_id}-1`] }));
    return { status: 200, answer: JSON.stringify({ outcomes }) };
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function signature(id: string, seconds: string, body: string, key: string | Buffer = SECRET): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

const bridge = new Bridge();
const vars: Row = { BRIDGE_SECRET: SECRET };
beforeAll(async () => {
  await bridge.start();
  vars.BRIDGE_URL = bridge.url;
});
afterAll(() => bridge.stop());
const platform = usePlatform({ vars });

/** The platform as the bridge reaches it. */
function tell(path: string, body: unknown): Promise<Answer> {
  const seconds = String(Math.floor(Date.now() / 1000));
  const content = JSON.stringify(body);
  const headers = { "webhook-id": "evt", "webhook-timestamp": seconds, "webhook-signature": signature("evt", seconds, content) };
  return call(platform, "POST", `${platform.url}${path}`, { body, headers });
}

async function arrived(id: string): Promise<Row> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const found = bridge.bodies.find((message) => message.message_id === id);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${id} did not reach the bridge`);
}

test("a message goes through the queue to the bridge, and its receipt comes back", async () => {
  const app = await App.make(platform, platform.url, "ada");
  const sent = await app.send("Grüße, 👋 ሰላም", { transaction_id: "tx-1", task_id: 7 });
  const submitted = await arrived(sent.message_id);
  expect(submitted).toMatchObject({ app_id: app.id, tenant: null, text: "Grüße, 👋 ሰላም", esme: 100, task_id: 7 });
  const change = { message_id: sent.message_id, app_id: app.id, tenant: null, version: 2, status: "DELIVERED", error: "" };
  const event = { id: "evt-1", at: Date.now(), ...change, parts: [{ number: 1, status: "DELIVERED", error: null }] };
  expect((await tell("/api/v1/sms/dlr", { events: [event] })).status).toBe(204);
  expect(await app.info(sent.message_id)).toMatchObject({ status: "DELIVERED", parts: { 1: "DELIVERED" }, task_id: 7 });
  expect(await app.send("Grüße, 👋 ሰላም", { transaction_id: "tx-1", task_id: 7 })).toEqual(sent);
  const other = await app.call("send", { esme: 100, source: "Greenwood", destination: "+263771234567", message: "x", transaction_id: "tx-1" });
  expect(other.status).toBe(409);
  expect(other.body).toEqual({ error: expect.any(String) });
});

test("a school's messages take the same way, from its own database", async () => {
  const [school] = platform.schools;
  const app = await App.make(platform, school.url, "grace");
  const sent = await app.send("Hello");
  const submitted = await arrived(sent.message_id);
  const [[tenant]] = await platform.execute("CONTROL", [["SELECT id FROM tenants WHERE schema_name = ?1", school.slug]]);
  expect(submitted.tenant).toBe(tenant.id);
  expect((await app.info(sent.message_id)).status).toBe("ACCEPTED");
});

test("while the bridge is away messages wait, and come once each", async () => {
  const app = await App.make(platform, platform.url, "linus");
  bridge.failures = 1;
  const sent = await app.send("Wait for me");
  await arrived(sent.message_id);
  await platform.scheduled();
  expect(bridge.bodies.filter((message) => message.message_id === sent.message_id)).toHaveLength(1);
});

test("the sweep finds what never got into the queue", async () => {
  const app = await App.make(platform, platform.url, "joan");
  const { message_id } = await app.send("Lost");
  await arrived(message_id);
  // It is noted after the bridge has answered.
  const noted = async () => (await platform.execute("CONTROL", [["SELECT handed_at FROM sms_messages WHERE id = ?1", message_id]]))[0][0].handed_at;
  await expect.poll(noted, { timeout: 60_000 }).not.toBeNull();
  const long = Date.now() - 600_000;
  const forget = "UPDATE sms_messages SET handed_at = NULL, claimed_at = NULL, created_at = ?2 WHERE id = ?1";
  await platform.execute("CONTROL", [[forget, message_id, long]]);
  bridge.bodies.length = 0;
  await platform.scheduled();
  expect((await arrived(message_id)).text).toBe("Lost");
});

test("an app is told that its message arrived, signed, again until it takes it, and wherever it points nobody else is", async () => {
  const told: Row[] = [];
  const answers = [500, 302];
  const receiver = createServer(async (request, response) => {
    told.push({ url: request.url, headers: request.headers, body: await text(request) });
    response.writeHead(answers.shift() ?? 204, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const app = await App.make(platform, platform.url, "barbara");
  const status_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const headers = { "x-app-id": String(app.id) };
  const settings = { body: { status_url }, headers, token: app.token };
  const saved = await call(platform, "PUT", `${platform.url}/api/v1/sms/callbacks`, settings);
  expect(saved.status, saved.text).toBe(200);
  const key = Buffer.from(saved.body.secret.replace("whsec_", ""), "base64");
  const { message_id } = await app.send("Tell me");
  await arrived(message_id);
  const change = { message_id, app_id: app.id, tenant: null, version: 1, status: "DELIVERED", error: "" };
  const event = { id: "evt-2", at: Date.now(), ...change, parts: [{ number: 1, status: "DELIVERED", error: null }] };
  expect((await tell("/api/v1/sms/dlr", { events: [event] })).status).toBe(204);
  const delivery = async () => (await app.do("callbacks/deliveries")).results[0];
  for (const [attempts, answered] of [[1, 500], [2, 302], [3, 204]]) {
    await expect.poll(delivery, { timeout: 60_000 }).toMatchObject({ attempts, answered });
    await platform.execute("CONTROL", [["UPDATE sms_callbacks SET due_at = 0"]]);
    await platform.scheduled();
  }
  expect(await delivery()).toMatchObject({ status: "delivered", message_id, message_status: "DELIVERED" });
  expect(told).toHaveLength(3);
  for (const { url, headers, body } of told) {
    const id = JSON.parse(body).id;
    expect([url, headers["webhook-id"]]).toEqual(["/hook", id]);
    expect(headers["webhook-signature"]).toBe(signature(id, headers["webhook-timestamp"], body, key));
    expect(body).toBe(told[0].body);
  }
  expect(JSON.parse(told[0].body).data).toMatchObject({ message_id, status: "DELIVERED", parts: { 1: "DELIVERED" } });
  receiver.close();
  receiver.closeAllConnections();
});

test("monitoring is public, and errors speak the gateway's words", async () => {
  const get = (path: string) => call(platform, "GET", `${platform.url}${path}`);
  expect((await get("/healthy")).body).toEqual({ status: "ok" });
  const metrics = await get("/metrics");
  expect(metrics.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  expect(metrics.text).toContain("homeroom_bridge_up 1");
  for (const path of ["/dashboard/stats", "/dashboard/smpp-links", "/dashboard/load-balancers"]) {
    expect((await get(path)).body).toEqual({ success: true, data: [] });
  }
  const app = await App.make(platform, platform.url, "edsger");
  expect((await app.call("check-esme", { esme: 100 })).body).toEqual({ persist: true, system_id: "my_system", error: "" });
  const nobody = await call(platform, "POST", `${platform.url}/api/v1/sms/send`, { body: {} });
  expect([nobody.status, nobody.body]).toEqual([401, { error: "authorization header required" }]);
  const missing = await get("/api/v1/sms/nothing");
  expect([missing.status, Object.keys(missing.body)]).toEqual([404, ["error"]]);
});
