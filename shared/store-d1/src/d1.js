// D1 from the outside: strings in and out, so that rows cross into WebAssembly once.

export function openSession(database, constraint) {
  return database.withSession(constraint);
}

export async function runBatch(session, text) {
  const statements = JSON.parse(text).map(([sql, params]) => {
    const statement = session.prepare(sql);
    return params.length > 0 ? statement.bind(...params) : statement;
  });
  const outcomes = statements.length === 1 ? [await statements[0].all()] : await session.batch(statements);
  const answers = outcomes.map(({ meta, results }) => [meta?.changes ?? 0, table(results ?? [])]);
  return JSON.stringify([session.getBookmark() ?? null, answers]);
}

// The columns' names once, then each row's values.
function table(rows) {
  return rows.length > 0 ? [Object.keys(rows[0]), ...rows.map(Object.values)] : [];
}
