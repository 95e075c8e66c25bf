// Bodies that are too large or not what they say, on real connections.
import { request } from "node:http";
import { beforeAll, expect, test } from "vitest";
import { type Answer, Session, administrator, expectError, schoolAdministrator, usePlatform } from "./platform";

const platform = usePlatform();
const MEBIBYTE = 1024 * 1024;
let sessions: [Session, string][];

beforeAll(async () => {
  sessions = [
    [await administrator(platform), "users/"],
    [await schoolAdministrator(platform, platform.schools[0]), "users/"],
  ];
});

/** Sends a head, and of the body what `write` writes; resolves with the answer, whether or not all was taken. */
function send(session: Session, path: string, headers: Record<string, string>, write: (body: NodeJS.WritableStream) => void) {
  const { hostname, port } = new URL(session.origin);
  return new Promise<Answer>((done, fail) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      method: "POST",
      path: `/api/v1/${session.area}/${path}`,
      headers: {
        host: `${hostname}:${port}`,
        authorization: `Bearer ${session.tokens.access}`,
        "content-type": "application/json",
        ...headers,
      },
      agent: false,
    });
    outgoing.on("error", fail);
    outgoing.on("response", (response) => {
      // The connection may end before all of the body was taken: then the answer counts.
      outgoing.off("error", fail).on("error", () => {});
      response.on("error", fail);
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => {
        const headers = new Headers(response.headers as Record<string, string>);
        done({ status: response.statusCode ?? 0, headers, text, body: JSON.parse(text) });
        outgoing.destroy();
      });
    });
    write(outgoing);
  });
}

test("a declared length above the cap is refused before anything of the body is sent", async () => {
  for (const [session, path] of sessions) {
    const answer = await send(session, path, { "content-length": String(MEBIBYTE + 1) }, (body) => {
      (body as unknown as { flushHeaders(): void }).flushHeaders();
    });
    expectError(answer, 413, "payload_too_large");
  }
});

test("a body of undeclared length is refused once it is above the cap", async () => {
  for (const [session, path] of sessions) {
    const answer = await send(session, path, { "transfer-encoding": "chunked" }, (body) => {
      for (let sent = 0; sent <= MEBIBYTE; sent += 65_536) body.write(Buffer.alloc(65_536, 0x20));
      body.end();
    });
    expectError(answer, 413, "payload_too_large");
  }
});

test("a body of undeclared length below the cap is read", async () => {
  for (const [session, path] of sessions) {
    const person = { email: "chunked@everywhere.test", first_name: "C", last_name: "H" };
    const answer = await send(session, path, { "transfer-encoding": "chunked" }, (body) => {
      for (const part of JSON.stringify(person)) body.write(part);
      body.end();
    });
    expect([answer.status, answer.body.email]).toEqual([201, person.email]);
  }
});

test("a mebibyte of what is not JSON, or is nested absurdly, is a 400", async () => {
  for (const [session, path] of sessions) {
    for (const filler of ["{", "[", "\xff", '{"a":', "\0"]) {
      const garbage = Buffer.from(filler.repeat(MEBIBYTE), "latin1").subarray(0, MEBIBYTE);
      const answer = await send(session, path, { "content-length": String(MEBIBYTE) }, (body) => body.end(garbage));
      expectError(answer, 400, "malformed");
    }
    expect((await session.call("GET", "users/")).status).toBe(200);
  }
});
