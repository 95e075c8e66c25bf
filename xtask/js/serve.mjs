// Runs the platform for `cargo xtask dev` until it is told to end:
//   node serve.mjs <state> <port> [attached]     attached: ends when standard input does
//   node serve.mjs stop <state>
// Lines of JSON on standard output say how far it is; what the Workers write goes there as it comes.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Problem, keepSchedules, startPlatform } from "./platform.mjs";
import { evict } from "./platform/state.mjs";

/** The size of a demo school. */
const STUDENTS = 600;

const say = (message) => console.log(JSON.stringify({ homeroom: message }));
const [first, second, attached] = process.argv.slice(2);

if (first === "stop") say({ stopped: await evict(resolve(second)) });
else await serve(resolve(first), Number(second));

async function serve(state, port) {
  const ready = join(state, "ready.json");
  rmSync(ready, { force: true });
  let platform;
  try {
    const log = (line) => console.log(line);
    const bridge = process.env.HOMEROOM_BRIDGE;
    platform = await startPlatform({ state, port, demo: true, students: STUDENTS, bridge, log, announce: (step) => say({ step }) });
  } catch (error) {
    say({ failed: error instanceof Problem ? error.message : error.stack });
    process.exit(1);
  }
  const answer = {
    public: platform.url,
    platform_admin: platform.administrator,
    schools: platform.schools,
    ...(platform.bridge && { bridge: platform.bridge.places }),
    pids: [process.pid, platform.pid, ...(platform.bridge?.pids ?? [])],
  };
  writeFileSync(`${ready}.new`, JSON.stringify(answer, null, 2), { mode: 0o600 });
  renameSync(`${ready}.new`, ready);
  say({ ready: answer });
  keepSchedules(platform);

  // Miniflare ends the process by itself on a signal, and workerd with it.
  process.on("exit", () => {
    for (const name of ["ready.json", "running.json"]) rmSync(join(state, name), { force: true });
  });
  if (attached) process.stdin.on("end", () => process.exit(0)).resume();
}
