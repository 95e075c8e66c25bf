// What the tests talk to: a whole platform on workerd, as one client or many.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { startPlatform } from "../../xtask/js/platform.mjs";

export type Area = "system" | "school" | "chatbot";
export type Person = { email: string; password: string };
export type School = { slug: string; url: string; admin: Person; teacher: Person; student: Person };
export type Tokens = { access: string; refresh: string };
export type Row = Record<string, any>;

export interface Platform {
  url: string;
  pid: number;
  schools: School[];
  administrator: Person;
  schoolUrl(slug: string): string;
  fetch(url: string, init?: Row): Promise<Response>;
  mf: {
    getWorker(name: string): Promise<{ fetch(url: string, init?: Row): Promise<Response> }>;
    getDurableObjectNamespace(binding: string, worker: string): Promise<Row>;
  };
  execute(binding: string, statements: unknown[][]): Promise<Row[][]>;
  scheduled(): Promise<unknown>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a platform with the two demo schools for the tests of one file, on an empty state or the given one. */
export function usePlatform(options: Row = {}): Platform {
  const running = {} as Platform;
  const state = temporaryState();
  beforeAll(async () => {
    Object.assign(running, await startPlatform({ state, demo: true, ...options }));
  });
  afterAll(async () => {
    await running.stop?.();
    rmSync(state, { recursive: true, force: true });
  });
  return running;
}

export const temporaryState = () => mkdtempSync(join(tmpdir(), "homeroom-runtime-"));

let addresses = 0;

/** An address that nothing was counted for yet. */
export function freshAddress(): string {
  addresses += 1;
  return `198.51.${addresses >> 8}.${addresses & 255}`;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: any;
}

/** One request, with a JSON body if any, and its whole answer. */
export async function call(
  platform: Platform,
  method: string,
  url: string,
  { body, headers, token }: { body?: unknown; headers?: Record<string, string>; token?: string } = {},
): Promise<Answer> {
  const sent = platform.fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const response = await sent.catch((error) => {
    throw new Error(`${method} ${url} got no answer: ${error.cause ?? error}`);
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

export function login(
  platform: Platform,
  origin: string,
  area: Area,
  person: Row,
  address = freshAddress(),
): Promise<Answer> {
  return call(platform, "POST", `${origin}/api/v1/${area}/auth/login/`, {
    body: person,
    headers: { "cf-connecting-ip": address },
  });
}

/** Somebody who is signed in, and calls paths of the own area. */
export class Session {
  constructor(
    readonly platform: Platform,
    readonly origin: string,
    readonly area: Area,
    readonly tokens: Tokens,
    readonly user: Row,
  ) {}

  static async start(platform: Platform, origin: string, area: Area, { email, password }: Person): Promise<Session> {
    const answer = await login(platform, origin, area, { email, password });
    expect(answer.status, answer.text).toBe(200);
    const { user, ...tokens } = answer.body;
    return new Session(platform, origin, area, tokens, user);
  }

  /** The same sign-in in another area of the school. */
  at(area: Area): Session {
    return new Session(this.platform, this.origin, area, this.tokens, this.user);
  }

  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const url = `${this.origin}/api/v1/${this.area}/${path}`;
    return call(this.platform, method, url, { body, headers, token: this.tokens.access });
  }

  /** A call that must succeed; gives the body. */
  async do(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await this.call(method, path, body);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    return answer.body;
  }
}

export const administrator = (platform: Platform) =>
  Session.start(platform, platform.url, "system", platform.administrator);

export const schoolAdministrator = (platform: Platform, school: School) =>
  Session.start(platform, school.url, "school", school.admin);

export async function slotOf(platform: Platform, slug: string): Promise<string> {
  const [[tenant]] = await platform.execute("CONTROL", [["SELECT slot FROM tenants WHERE schema_name = ?1", slug]]);
  return tenant.slot;
}

/** An error in the dialect of the areas, with its stable code. */
export function expectError(answer: Answer, status: number, code: string) {
  expect({ status: answer.status, code: answer.headers.get("x-error-code") }, answer.text).toEqual({ status, code });
  expect(answer.headers.get("x-request-id")).toMatch(/^[\w.-]{8,64}$/);
  if (code !== "invalid") expect(answer.body).toEqual({ detail: expect.any(String), code });
}

export const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** How often each value occurs. */
export function tally(values: (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
