// Assembles openapi/site, the static files of the gateway: the documentation page and the documents.
//   node openapi/site.mjs
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const site = join(here, "site");
const bundle = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const documents = ["openapi.json", "system.json", "school.json", "chatbot.json", "sms.json"];
const missing = documents.filter((name) => !existsSync(join(here, name)));
if (missing.length > 0) {
  console.error(`openapi/${missing[0]} is missing: run \`cargo xtask openapi\`.`);
  process.exit(1);
}

// Emptied rather than removed: a running gateway may be watching the folder.
for (const folder of ["docs", "schema"]) {
  rmSync(join(site, folder), { recursive: true, force: true });
  mkdirSync(join(site, folder), { recursive: true });
}
cpSync(join(here, "page"), join(site, "docs"), { recursive: true });
for (const name of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"]) {
  copyFileSync(join(bundle, name), join(site, "docs", name === "LICENSE" || name === "NOTICE" ? `swagger-ui.${name}.txt` : name));
}
for (const name of documents) {
  copyFileSync(join(here, name), join(site, "schema", name));
}
