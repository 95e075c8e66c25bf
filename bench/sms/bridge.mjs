// The bridge as a process of its own, in a folder of its own.
import { createHmac } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, listening, start, stop } from "./process.mjs";

const KEY = Buffer.alloc(32);
const APP = 1;

export class Bridge {
  constructor(program, folder) {
    this.program = program;
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  /** Writes its configuration: one link, as fast as it can, so that nothing but the bridge itself is measured. */
  async configure({ centre, listener, window = 100 }) {
    this.rest = await freePort();
    const encoded = KEY.toString("base64url");
    writeFileSync(
      join(this.folder, "bridge.toml"),
      `[listen]
rest = "127.0.0.1:${this.rest}"
grpc = "127.0.0.1:${await freePort()}"
[platform]
url = "http://127.0.0.1:${listener}"
secret = "replace-me-replace-me-replace-me"
[keys]
sms = "k1:${encoded}"
[store]
sqlite = "bridge.sqlite"
[limits]
app_rate = 1000000
app_burst = 1000000
queue = 2000000
queue_app = 2000000
queue_esme = 2000000
[log]
level = "error"
[links.100]
host = "127.0.0.1"
port = ${centre}
system_id = "bench"
password = "bench"
window = ${window}
rate = 100000
`,
    );
  }

  /** Milliseconds until it answers. */
  async start() {
    this.process = start(this.program, ["run", "--config", "bridge.toml"], { cwd: this.folder });
    return listening(this.rest, this.process, "the bridge");
  }

  stop(signal) {
    return stop(this.process, signal);
  }

  get origin() {
    return `http://127.0.0.1:${this.rest}`;
  }

  /** One message, as an app sends it. */
  request(n) {
    const body = {
      esme: 100,
      source: "School",
      destination: `+49170${String(n).padStart(7, "0")}`,
      message: "School is closed tomorrow because of the snow.",
      transaction_id: `bench-${n}`,
    };
    this.token ??= token();
    return {
      method: "POST",
      path: "/api/v1/sms/send",
      headers: { authorization: `Bearer ${this.token}`, "x-app-id": String(APP), "content-type": "application/json" },
      body: JSON.stringify(body),
    };
  }
}

function token() {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: "homeroom/sms", knd: "sms", app_id: APP, user_id: 1, is_admin: false, tenant: null };
  const text = `${part({ alg: "HS256", kid: "k1", typ: "at+jwt" })}.${part({ ...claims, iat: now, exp: now + 43_200 })}`;
  return `${text}.${createHmac("sha256", KEY).update(text).digest("base64url")}`;
}
