// An account of the SMS gateway, signed in with its app.
import { expect } from "vitest";
import { call, freshAddress, type Answer, type Platform, type Row } from "./platform";

const PASSWORD = "correct horse battery";

export class App {
  private constructor(
    readonly platform: Platform,
    readonly origin: string,
    readonly id: number,
    readonly token: string,
  ) {}

  static async make(platform: Platform, origin: string, name: string): Promise<App> {
    const headers = { "cf-connecting-ip": freshAddress() };
    const account = { email: `${name}@sms.example`, password: PASSWORD };
    const made = await call(platform, "POST", `${origin}/api/v1/auth/register`, {
      body: { ...account, app_name: name },
      headers,
    });
    expect(made.status, made.text).toBe(200);
    const login = await call(platform, "POST", `${origin}/api/v1/auth/login`, {
      body: { ...account, app_id: made.body.app_id },
      headers,
    });
    expect(login.status, login.text).toBe(200);
    return new App(platform, origin, made.body.app_id, login.body.token);
  }

  /** POST with a body, GET without. */
  call(path: string, body?: unknown): Promise<Answer> {
    const headers = { "x-app-id": String(this.id) };
    const method = body === undefined ? "GET" : "POST";
    return call(this.platform, method, `${this.origin}/api/v1/sms/${path}`, { body, headers, token: this.token });
  }

  /** The same where it must succeed; gives the body. */
  async do(path: string, body?: unknown): Promise<Row> {
    const answer = await this.call(path, body);
    expect(answer.status, `${path}: ${answer.text}`).toBe(200);
    return answer.body;
  }

  send(message: string, more: Row = {}): Promise<Row> {
    return this.do("send", { ...ENVELOPE, destination: "+263771234567", message, ...more });
  }

  info(message_id: string): Promise<Row> {
    return this.do("info", { message_id });
  }
}

export const ENVELOPE = { esme: 100, source: "Greenwood" };
