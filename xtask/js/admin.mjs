// Makes somebody a platform administrator:
//   node admin.mjs <person as JSON> <state>     in the control database of a local state
//   node admin.mjs <person as JSON>             prints the statements, for `wrangler d1 execute`
import { administratorStatements } from "./platform/accounts.mjs";
import { Problem, withDatabases } from "./platform.mjs";

const [person, state] = process.argv.slice(2);
const statements = administratorStatements({ ...JSON.parse(person), now: Date.now() });
try {
  if (state) await withDatabases(state, (execute) => execute("CONTROL", statements));
  else console.log(statements.map(literal).join(";\n"));
} catch (error) {
  console.error(error instanceof Problem ? error.message : error.stack);
  process.exitCode = 1;
}

function literal([sql, ...values]) {
  return sql.replace(/\?(\d+)/g, (_, number) => {
    const value = values[number - 1];
    return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
  });
}
