// Joins the glue that wasm-bindgen wrote with the entry of every Worker:
//   node bundle.mjs <glue.js> <output directory> <Durable Object class>…
// The glue becomes a function, because one module can be evaluated once only and a Worker needs it once per generation.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [glue, output, ...classes] = process.argv.slice(2);
const generations = join(dirname(fileURLToPath(import.meta.url)), "worker", "generations.mjs");

const quiet = { write: false, bundle: true, platform: "neutral", target: "es2022", logLevel: "error" };
const external = ["cloudflare:*", "node:*", "./index_bg.wasm"];

const wrapped = await build({ ...quiet, entryPoints: [glue], format: "cjs", external, metafile: true });
const imports = Object.values(wrapped.metafile.outputs).flatMap((file) => file.imports);
const modules = [...new Set(imports.filter((file) => file.external).map((file) => file.path))];

const entry = `
import module from "./index_bg.wasm";
import { runtime } from ${JSON.stringify(generations)};
${modules.map((name, index) => `import * as module${index} from ${JSON.stringify(name)};`).join("\n")}
const modules = { ${modules.map((name, index) => `${JSON.stringify(name)}: module${index}`).join(", ")} };

function instantiate(compiled, homeroomPanicked, queueMicrotask) {
  const require = (name) => modules[name];
  const glue = { exports: {} };
  (function (module) {
${wrapped.outputFiles[0].text}
  })(glue);
  glue.exports.initSync({ module: compiled });
  return glue.exports;
}

const { handlers, durableObject } = runtime(module, instantiate);
export default handlers;
${classes.map((name) => `export const ${name} = durableObject(${JSON.stringify(name)});`).join("\n")}
`;

const bundled = await build({
  ...quiet,
  stdin: { contents: entry, resolveDir: dirname(generations), sourcefile: "entry.js" },
  format: "esm",
  minify: true,
  external,
});
await mkdir(output, { recursive: true });
await writeFile(join(output, "index.js"), bundled.outputFiles[0].text);
