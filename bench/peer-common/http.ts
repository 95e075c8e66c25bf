// What surrounds every request: its id, the answer's headers, one log line, and errors in the area's form.
import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { FieldErrors } from "./input";

const HEADERS = Object.entries({
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  vary: "Origin",
});

export function surrounding<E extends { Variables: { requestId: string; school?: { schema_name: string } } }>(): MiddlewareHandler<E> {
  return async (c, next) => {
    const started = Date.now();
    const given = c.req.header("x-request-id");
    const requestId = given && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : crypto.randomUUID();
    c.set("requestId", requestId);
    await next();
    c.header("x-request-id", requestId);
    for (const [name, value] of HEADERS) c.header(name, value);
    const line = {
      level: c.res.status >= 500 ? "error" : "info",
      request_id: requestId,
      school: c.get("school")?.schema_name ?? null,
      method: c.req.method,
      route: c.req.path,
      status: c.res.status,
      millis: Date.now() - started,
    };
    console.log(JSON.stringify(line));
  };
}

export function refuse(status: 401 | 403 | 404 | 429, code: string, detail: string): HTTPException {
  const headers = { "content-type": "application/json", "x-error-code": code };
  return new HTTPException(status, { res: new Response(JSON.stringify({ code, detail }), { status, headers }) });
}

export function failed(error: Error, c: Context): Response {
  if (error instanceof HTTPException) return error.getResponse();
  if (error instanceof FieldErrors) return c.json(error.messages, 400, { "x-error-code": "invalid" });
  console.error(error);
  return c.json({ code: "internal_error", detail: "Something went wrong on our side." }, 500);
}

export const notSignedIn = () =>
  refuse(401, "not_authenticated", "Sign in: the credential is missing, has ended, or does not hold at this address.");

export const lacking = (codename: string) =>
  refuse(
    403,
    "permission_denied",
    `You do not have the permission ${codename}. Ask an administrator for a role that has it.`,
  );

export const clientIp = (c: Context) => c.req.header("cf-connecting-ip") ?? "unknown";

/** The host without its port, as the registry spells it. */
export const hostName = (c: Context) => (c.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase();

export function bearer(c: Context): string {
  const [scheme, token] = (c.req.header("authorization") ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !token) throw notSignedIn();
  return token;
}
