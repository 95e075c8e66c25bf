// Statements of a migration file, one by one: D1 takes no script in a transaction.

const SKIPPED = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[A-Za-z_]\w*|;|[\s\S]/g;

/** Splits at semicolons outside of strings, comments and the bodies of triggers. */
export function splitStatements(script) {
  const statements = [];
  let statement = "";
  let words = [];
  let depth = 0;
  for (const [token] of script.matchAll(SKIPPED)) {
    if (token.startsWith("--") || token.startsWith("/*")) {
      statement += " ";
      continue;
    }
    if (/^[A-Za-z_]/.test(token)) {
      const word = token.toUpperCase();
      words.push(word);
      const inTrigger = words[0] === "CREATE" && words.slice(1, 3).includes("TRIGGER");
      if (inTrigger && (word === "BEGIN" || word === "CASE")) depth += 1;
      else if (inTrigger && word === "END") depth -= 1;
    }
    if (token === ";" && depth === 0) {
      if (statement.trim()) statements.push(statement.trim());
      statement = "";
      words = [];
    } else {
      statement += token;
    }
  }
  if (statement.trim()) statements.push(statement.trim());
  return statements;
}
