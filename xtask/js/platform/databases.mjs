// Local databases: migrated before the platform answers, each file in one transaction, as wrangler records them.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";
import { Problem } from "./problem.mjs";
import { splitStatements } from "./sql.mjs";
import { readIfPresent, startAgain, stored } from "./state.mjs";

const NAME = "homeroom-databases";
const CONTROL = "CONTROL";

/** A Worker beside the others that runs statements; no route leads to it. */
export function databaseWorker(databases) {
  return {
    name: NAME,
    compatibilityDate: "2026-04-01",
    modules: true,
    script: `export default { async fetch(request, env) {
      const { binding, statements } = await request.json();
      try {
        const prepared = statements.map(([sql, ...values]) => env[binding].prepare(sql).bind(...values));
        return Response.json({ results: (await env[binding].batch(prepared)).map((result) => result.results) });
      } catch (error) {
        return Response.json({ error: String(error.message ?? error) });
      }
    } }`,
    d1Databases: Object.fromEntries(databases.map(({ binding, id }) => [binding, id])),
  };
}

/** Waits for workerd; it does not start on files that it cannot read. */
export async function started(mf, state) {
  try {
    return await mf.ready;
  } catch (error) {
    if (error.code !== "ERR_RUNTIME_FAILURE") throw error;
    throw new Problem(`workerd does not start on ${state}, its files may be damaged: ${startAgain(state)}`);
  }
}

/** Runs `[sql, ...values]` statements in one transaction and answers their rows. */
export async function execute(mf, state, binding, statements) {
  const worker = await mf.getWorker(NAME);
  const response = await worker.fetch("http://databases/", {
    method: "POST",
    body: JSON.stringify({ binding, statements }),
  });
  const { results, error } = await response.json();
  if (error === undefined) return results;
  if (/malformed|not a database|corrupt|disk I\/O|internal error|no such table: d1_migrations/i.test(error)) {
    throw new Problem(`The database ${binding} in ${state} cannot be read (${error}): ${startAgain(state)}`);
  }
  throw new Error(`${binding}: ${error}`);
}

/** A workerd with the databases and none of the Workers. */
export function databasesOnly(state, databases) {
  return new Miniflare({
    workers: [databaseWorker(databases)],
    defaultPersistRoot: stored(state),
    log: new Log(LogLevel.NONE),
    cf: false,
  });
}

/** Brings every database up to date, in a workerd of its own, unless they are as the last start left them. */
export async function prepare(state, databases, announce) {
  const migrations = new Map(databases.map(({ migrations: folder }) => [folder, readMigrations(folder)]));
  const wanted = JSON.stringify([databases, [...migrations.values()].flat().map(({ name, sha256 }) => [name, sha256])]);
  const folder = join(stored(state), "d1");
  const marker = join(folder, "prepared.json");
  if (readIfPresent(marker) === wanted) return;

  announce("Preparing the databases");
  const mf = databasesOnly(state, databases);
  try {
    await started(mf, state);
    for (const database of databases) {
      await migrate(mf, state, database, migrations.get(database.migrations));
    }
    const slots = databases.map(({ binding }) => binding).filter((binding) => binding !== CONTROL);
    await execute(mf, state, CONTROL, [
      ["INSERT OR IGNORE INTO slots (binding) SELECT value FROM json_each(?1)", JSON.stringify(slots)],
    ]);
  } finally {
    await mf.dispose().catch(() => {});
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(marker, wanted);
}

/** Fails with a remedy when a database cannot be read or has lost what an earlier start put there. */
export async function check(mf, state, databases) {
  await Promise.all(
    databases.map(({ binding }) => execute(mf, state, binding, [["SELECT count(*) FROM d1_migrations"]])),
  );
}

function readMigrations(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return { name, folder: basename(folder), text, sha256: createHash("sha256").update(text).digest("hex") };
  });
}

async function migrate(mf, state, { binding }, migrations) {
  // wrangler's own table, with a column of ours that it leaves alone.
  const [, rows] = await execute(mf, state, binding, [
    [
      `CREATE TABLE IF NOT EXISTS d1_migrations(
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT UNIQUE,
         applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
         sha256 TEXT
       )`,
    ],
    ["SELECT name, sha256 FROM d1_migrations"],
  ]);
  const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]));
  for (const { name, folder, text, sha256 } of migrations) {
    if (!applied.has(name)) {
      await execute(mf, state, binding, [
        ...splitStatements(text).map((statement) => [statement]),
        ["INSERT INTO d1_migrations (name, sha256) VALUES (?1, ?2)", name, sha256],
      ]);
    } else if (applied.get(name) !== sha256) {
      throw new Problem(
        `schema/${folder}/${name} has changed since ${binding} in ${state} was made: ` +
          `undo the change and add a new migration, or start afresh with \`rm -r ${state}\`.`,
      );
    }
  }
}
