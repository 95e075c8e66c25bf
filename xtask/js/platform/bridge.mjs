// The SMPP bridge of a local platform, with a message centre that plays along. Both end when this process does.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { freePort } from "./ports.mjs";
import { Problem } from "./problem.mjs";
import { readIfPresent } from "./state.mjs";

const HOST = "127.0.0.1";

/**
 * Starts both, or only the bridge where `smsc` says where a message centre listens already, and waits until the bridge is ready. Answers where
 * they are, `bindings` for the Worker that speaks with it, their `pids`, and `stop()`.
 */
export async function startBridge({ state, program, platform, masterKeys, port, smsc }) {
  const folder = join(state, "bridge");
  mkdirSync(folder, { recursive: true });
  const secret = kept(join(folder, "secret"), () => `whsec_${randomBytes(32).toString("base64")}`);
  write(join(folder, "sms-keys"), execFileSync(program, ["keys"], { input: masterKeys, encoding: "utf8" }));

  const log = openSync(join(folder, "bridge.log"), "a", 0o600);
  const children = [];
  const start = (output, ...args) => {
    const child = spawn(program, [...args, "--attached"], { cwd: folder, stdio: ["pipe", output, log] });
    children.push(child);
    return child;
  };
  const stop = async () => {
    const ended = children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((done) => child.on("exit", done)));
    for (const child of children) child.stdin.end();
    const late = setTimeout(15_000, undefined, { ref: false }).then(() => children.map((child) => child.kill("SIGKILL")));
    await Promise.race([Promise.all(ended), late]);
  };
  try {
    smsc ??= await address(start("pipe", "smsc", "--listen", `${HOST}:${await freePort(port && port + 3)}`));
    const [rest, grpc] = [await freePort(port && port + 1), await freePort(port && port + 2)];
    write(join(folder, "bridge.toml"), configuration({ rest, grpc, platform, smsc }));
    const url = `http://${HOST}:${rest}`;
    const run = () => ready(start(log, "run", "--config", "bridge.toml"), url, folder);
    await run();
    for (const child of children) child.on("exit", () => console.log(`The bridge or its message centre ended: ${folder}/bridge.log says why.`));
    return {
      places: { url, dashboard: `${url}/dashboard/`, metrics: `${url}/metrics`, grpc: `${HOST}:${grpc}`, smsc },
      bindings: { BRIDGE_URL: url, BRIDGE_SECRET: secret },
      pids: children.map(({ pid }) => pid),
      /** Ends the bridge as a power cut would. */
      async kill() {
        const bridge = children.pop();
        bridge.removeAllListeners("exit");
        bridge.kill("SIGKILL");
        await once(bridge, "exit");
      },
      /** Starts it again after that. */
      run,
      stop: () => {
        for (const child of children) child.removeAllListeners("exit");
        return stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const configuration = ({ rest, grpc, platform, smsc }) => `# Written anew at each start of the local platform.
[listen]
rest = "${HOST}:${rest}"
grpc = "${HOST}:${grpc}"

[platform]
url = "${platform}"
secret_file = "secret"

[keys]
sms_file = "sms-keys"

[log]
format = "text"

[links.100]
host = "${HOST}"
port = ${smsc.split(":").at(-1)}
system_id = "dev"
password = "dev"
window = 10
rate = 100
provider = "loopback"
`;

/** The first line of the message centre says where it listens. */
async function address(centre) {
  for await (const line of createInterface({ input: centre.stdout })) {
    const found = /^listening on (\S+:\d+);/.exec(line);
    if (found) return found[1];
  }
  throw new Problem("The message centre of the bridge did not start.");
}

async function ready(bridge, url, folder) {
  for (let waited = 0; waited < 60_000 && bridge.exitCode === null; waited += 50) {
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await setTimeout(50);
  }
  throw new Problem(`The bridge does not become ready: ${join(folder, "bridge.log")} says why.`);
}

function kept(path, make) {
  const text = readIfPresent(path)?.trim();
  if (text) return text;
  const made = make();
  write(path, `${made}\n`);
  return made;
}

const write = (path, text) => writeFileSync(path, text, { mode: 0o600 });
