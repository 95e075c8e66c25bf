// Kannel 1.4.5 doing the same: HTTP in, SMPP out, receipts back as HTTP. Its store is a file; it does not wait for the disk.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../xtask/js/platform/problem.mjs";
import { freePort, listening, output, start, stop } from "./process.mjs";

/** Its version, where it is installed. */
export async function kannelVersion() {
  try {
    const text = await output("/usr/sbin/bearerbox", ["--version"]);
    return /version `([^']+)'/.exec(text)?.[1] ?? "unknown";
  } catch {
    throw new Problem("Kannel is not installed: apt-get install --no-install-recommends kannel");
  }
}

export class Kannel {
  constructor(folder) {
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  /** Writes its configuration. An empty line ends a group. */
  async configure({ centre, listener, window = 100 }) {
    [this.admin, this.box, this.port, this.listener] = [await freePort(), await freePort(), await freePort(), listener];
    writeFileSync(
      join(this.folder, "kannel.conf"),
      `group = core
admin-port = ${this.admin}
admin-password = bench
smsbox-port = ${this.box}
admin-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = file
store-location = ${join(this.folder, "kannel.store")}
log-level = 4

group = smsc
smsc = smpp
smsc-id = bench
host = 127.0.0.1
port = ${centre}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = bench
max-pending-submits = ${window}
msg-id-type = 0x03

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = ${this.box}
sendsms-port = ${this.port}
sendsms-interface = 127.0.0.1
log-level = 4

group = sendsms-user
username = bench
password = bench
concatenation = true
max-messages = 10
`,
    );
  }

  async start() {
    this.bearer = start("/usr/sbin/bearerbox", ["-v", "4", "kannel.conf"], { cwd: this.folder });
    await listening(this.box, this.bearer, "bearerbox");
    this.sms = start("/usr/sbin/smsbox", ["-v", "4", "kannel.conf"], { cwd: this.folder });
    await listening(this.port, this.sms, "smsbox");
    await listening(this.admin, this.bearer, "bearerbox");
    // It says "online" in its status once the link is bound.
    for (let n = 0; n < 200; n++) {
      const status = await fetch(`http://127.0.0.1:${this.admin}/status.txt?password=bench`).then((answer) => answer.text());
      if (/bench.*online/s.test(status)) return;
      await wait(50);
    }
    throw new Problem("Kannel's link does not come up");
  }

  async stop() {
    await stop(this.sms, "SIGKILL");
    await stop(this.bearer, "SIGKILL");
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** One message; the receipt is asked for as "delivered" or "not", which is all that the bridge's user hears too. */
  request(n) {
    const callback = `http://127.0.0.1:${this.listener}/kannel?type=%d&id=${n}`;
    const query = new URLSearchParams({
      username: "bench",
      password: "bench",
      from: "School",
      to: `+49170${String(n).padStart(7, "0")}`,
      text: "School is closed tomorrow because of the snow.",
      "dlr-mask": "3",
      "dlr-url": callback,
    });
    return { method: "GET", path: `/cgi-bin/sendsms?${query}`, headers: {} };
  }
}
