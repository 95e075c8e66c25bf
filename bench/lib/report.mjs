// The table at the end.

const mark = (value, target) => (value <= target ? "✓" : "✗");
const micros = (value) => (value === undefined ? "" : Math.round(value).toLocaleString("en").replaceAll(",", " "));
const times = (value) => `${value.toFixed(2)}×`;

export function print({ machine, rounds, routes, argon2, login, firstRequest, wasm }) {
  const lines = [];
  const say = (...more) => lines.push(...(more.length > 0 ? more : [""]));
  say(`Homeroom's school area and a Hono ${machine.hono} peer on one workerd ${machine.workerd}, ${machine.cpu}`);
  say(`Medians of ${rounds} alternating rounds, one client on one connection; ratios are taken per round.`);
  say();
  say(...table(
    ["CPU µs per request", "ours", "same SQL", "idiomatic", "via gateway", "ours/same", "≤ 1.0", "ours/idiom.", "≤ 0.7"],
    Object.values(routes).map(({ title, cpu, ratio }) => [
      title, micros(cpu.ours), micros(cpu.same), micros(cpu.idiomatic), micros(cpu.gateway),
      times(ratio.same), mark(ratio.same, 1), times(ratio.idiomatic), mark(ratio.idiomatic, 0.7),
    ]),
  ));
  say(...table(
    ["latency µs p50 / p99", "ours", "same SQL", "idiomatic", "via gateway"],
    Object.values(routes).map(({ title, latency }) => [
      title,
      ...["ours", "same", "idiomatic", "gateway"].map((form) =>
        latency[form] ? `${micros(latency[form].p50)} / ${micros(latency[form].p99)}` : ""),
    ]),
  ));
  const trips = ({ answered, afterwards }) => `${answered}${afterwards ? ` + ${afterwards}` : ""}`;
  say(...table(
    ["D1 trips (+ after the answer)", "ours", "same SQL", "idiomatic", "≤ 2, cached sign-in 1"],
    Object.entries(routes).map(([name, route]) => [
      route.title, trips(route.trips.ours), trips(route.trips.same), trips(route.trips.idiomatic),
      mark(route.trips.ours.answered, ["me", "list"].includes(name) ? 1 : 2),
    ]),
  ));
  say(...table(["other budgets", "measured", "budget", ""], [
    ...(login
      ? [["login over one Argon2id, CPU", `${micros(login.cpu)} / ${micros(argon2)} = ${times(login.ratio)}`, "≤ 1.25×", mark(login.ratio, 1.25)]]
      : []),
    ...Object.entries(firstRequest).map(([form, { request, startCpu }]) => [
      `first request of a fresh process, ${form}`, `${request.toFixed(1)} ms (start of the Worker: ${startCpu.toFixed(0)} ms of CPU)`,
      form === "ours" ? "≤ 50 ms" : "", form === "ours" ? mark(request, 50) : "",
    ]),
    ...Object.entries(wasm).map(([area, bytes]) => [
      `WebAssembly of ${area}, gzip -9`, `${(bytes / 1000).toFixed(0)} kB`, "≤ 400 kB", mark(bytes, 400_000),
    ]),
  ]));
  console.log(lines.join("\n"));
}

/** Columns under their heads; the first to the left, the others to the right. */
export function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => [...row[column]].length)));
  const pad = (text, width, left) => (left ? text + " ".repeat(width - [...text].length) : " ".repeat(width - [...text].length) + text);
  const line = (row) => row.map((text, column) => pad(text, widths[column], column === 0)).join("   ").trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("───"), ...rows.map(line), ""];
}
