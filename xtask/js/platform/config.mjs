// The Workers as Miniflare wants them, read from their wrangler.toml files.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { Problem } from "./problem.mjs";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** The gateway first: Miniflare gives the public port to the first Worker. */
export function readWorkers() {
  const areas = readdirSync(join(ROOT, "functions")).filter((area) =>
    existsSync(join(ROOT, "functions", area, "Cargo.toml")),
  );
  areas.sort((a, b) => Number(b === "gateway") - Number(a === "gateway") || a.localeCompare(b));
  return areas.map((area) => {
    const folder = area === "gateway" ? ROOT : join(ROOT, "functions", area);
    const path = join(folder, "wrangler.toml");
    return { area, folder, path, config: parse(readFileSync(path, "utf8")) };
  });
}

/** The databases of all Workers together: binding, the id that names its file, and the folder of its migrations. */
export function readDatabases(workers) {
  const databases = new Map();
  for (const { folder, config } of workers) {
    for (const { binding, preview_database_id: id, migrations_dir: migrations } of config.d1_databases ?? []) {
      databases.set(binding, { binding, id, migrations: resolve(folder, migrations) });
    }
  }
  return [...databases.values()];
}

/** `builds` names another folder than functions/<area>/build for some areas; `vars` adds to or replaces variables. */
export function workerOptions(workers, { secrets, builds = {}, vars = {} }) {
  const sqlite = new Set(
    workers.flatMap(({ config }) =>
      (config.migrations ?? []).flatMap(({ new_sqlite_classes: classes = [] }) =>
        classes.map((name) => `${config.name}/${name}`),
      ),
    ),
  );
  const [withAssets] = workers.filter(({ config }) => config.assets);
  return workers.map((worker) => {
    const { area, folder, config } = worker;
    const build = resolve(builds[area] ?? join(ROOT, "functions", area, "build"));
    if (!existsSync(join(build, "index.js"))) {
      throw new Problem(`The Worker ${area} is not built: run \`cargo xtask build\`.`);
    }
    return {
      name: config.name,
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: config.compatibility_flags ?? [],
      modulesRoot: build,
      modules: [
        { type: "ESModule", path: join(build, "index.js") },
        { type: "CompiledWasm", path: join(build, "index_bg.wasm") },
      ],
      bindings: { ...config.vars, ...vars, ...(config.d1_databases ? secrets : {}) },
      d1Databases: Object.fromEntries((config.d1_databases ?? []).map((d1) => [d1.binding, d1.preview_database_id])),
      serviceBindings: {
        ...Object.fromEntries((config.services ?? []).map(({ binding, service }) => [binding, service])),
        ...(worker !== withAssets && folderBinding(config, folder)),
      },
      queueProducers: Object.fromEntries(
        (config.queues?.producers ?? []).map(({ binding, queue }) => [binding, { queueName: queue }]),
      ),
      queueConsumers: Object.fromEntries((config.queues?.consumers ?? []).map(consumer)),
      durableObjects: Object.fromEntries(
        (config.durable_objects?.bindings ?? []).map((object) => [
          object.name,
          {
            className: object.class_name,
            scriptName: object.script_name,
            useSQLite: sqlite.has(`${object.script_name ?? config.name}/${object.class_name}`),
          },
        ]),
      ),
      ...(worker === withAssets && assets(config, folder)),
    };
  });
}

function consumer({ queue, max_batch_size, max_batch_timeout, max_retries }) {
  return [queue, { maxBatchSize: max_batch_size, maxBatchTimeout: max_batch_timeout, maxRetries: max_retries }];
}

/** Miniflare serves the assets of one Worker only, whatever the others' are; theirs are read from the disk by workerd. */
function folderBinding({ assets: settings }, folder) {
  return settings && { [settings.binding]: { disk: { path: resolve(folder, settings.directory) } } };
}

function assets({ name, assets: settings }, folder) {
  const directory = resolve(folder, settings.directory);
  if (!existsSync(directory)) throw new Problem(`${directory} is missing: run \`cargo xtask build\`.`);
  return {
    assets: {
      workerName: name,
      directory,
      binding: settings.binding,
      routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: settings.run_worker_first === true },
    },
  };
}

/** Names of the Workers that have something to do at a time of day, with the minutes between two runs. */
export function readSchedules(workers) {
  return workers.flatMap(({ config }) =>
    (config.triggers?.crons ?? []).map((cron) => {
      const minutes = Number(/^\*\/(\d+) \* \* \* \*$/.exec(cron)?.[1]);
      if (!minutes) throw new Problem(`The local platform understands the schedule "*/N * * * *" only, not "${cron}".`);
      return { worker: config.name, cron, minutes };
    }),
  );
}
