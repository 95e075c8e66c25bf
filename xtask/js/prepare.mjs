// Brings the databases of a state up to date, and writes its secrets where `wrangler dev` looks for them (.dev.vars):
//   node prepare.mjs [state]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem, ROOT, prepareState } from "./platform.mjs";

try {
  const { workers, secrets } = await prepareState(process.argv[2] ?? join(ROOT, ".state"), (step) => console.error(step));
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`);
  for (const { folder, config } of workers) {
    if (config.d1_databases) writeFileSync(join(folder, ".dev.vars"), lines.join(""), { mode: 0o600 });
  }
} catch (error) {
  console.error(error instanceof Problem ? error.message : error.stack);
  process.exitCode = 1;
}
