// The edge from the outside: one crossing for a request's head, one for its body, one for the answer.

export function readHead(request) {
  return JSON.stringify([request.method, request.url, [...request.headers]]);
}

// The body, or null when it is longer than the cap; a declared length was checked before.
export async function readBody(request, cap) {
  if (request.headers.has("content-length")) return new Uint8Array(await request.arrayBuffer());
  const chunks = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.byteLength;
    if (length > cap) return null;
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

// The wall clock of a time zone: Sweden writes 2026-01-31 08:00:00. Null where the runtime does not know the zone.
export function localTime(millis, timeZone) {
  try {
    return new Date(millis).toLocaleString("sv-SE", { timeZone }).slice(0, 16).replace(" ", "T");
  } catch {
    return null;
  }
}

export function makeResponse(status, headers, body) {
  return new Response(body, { status, headers: JSON.parse(headers) });
}

async function post(target, url, body) {
  const response = await target.fetch(url, { method: "POST", body });
  if (response.status !== 200) throw new Error(`a binding answered ${response.status}`);
  return response.text();
}

export function askService(service, url, body) {
  return post(service, url, body);
}

// The status and the bytes, whatever they are: a refusal says why.
export async function askForBytes(service, url, body) {
  const response = await service.fetch(url, { method: "POST", body });
  return [response.status, new Uint8Array(await response.arrayBuffer())];
}

export function askObject(objects, name, url, body) {
  return post(objects.get(objects.idFromName(name)), url, body);
}

// Status and text of another program on the network, which is given ten seconds.
export async function askBridge(url, method, headers, body) {
  // Senders wait for what is only looked at.
  const signal = AbortSignal.timeout(method === "GET" ? 3_000 : 10_000);
  const response = await fetch(url, { method, headers: JSON.parse(headers), body, signal });
  return [response.status, await response.text()];
}

// The status of a stranger's server, which is given ten seconds; its answer is not read, wherever it points.
export async function postOutside(url, headers, body) {
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(url, { method: "POST", headers: JSON.parse(headers), body, redirect: "manual", signal });
  await response.body?.cancel();
  return response.status;
}

export function putIntoQueue(queue, jobs) {
  return queue.sendBatch(JSON.parse(jobs).map((body) => ({ body, contentType: "json" })));
}
