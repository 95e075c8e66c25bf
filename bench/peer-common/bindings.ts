// What both peers are bound to: the same databases, password Worker and limiter as the school area.

export interface Bindings {
  CONTROL: D1Database;
  PASSWORDS: Fetcher;
  RATE_LIMITER: DurableObjectNamespace;
  MASTER_KEYS: string;
  PUBLIC_DOMAIN: string;
  [slot: string]: unknown;
}

export interface School {
  id: string;
  name: string;
  schema_name: string;
  code: string;
  slot: string;
  status: "provisioning" | "active" | "suspended" | "deleted";
  timezone: string;
  locale: string;
  cors_origins: string;
}

export interface SignedIn {
  id: string;
  name: string;
  must_change_password: number;
  permissions: string;
}

/** Somebody who is signed in. */
export interface Actor {
  id: string;
  name: string;
  permissions: string[];
  mustChangePassword: boolean;
}

export async function hashPassword(env: Bindings, password: string): Promise<string> {
  return (await post<{ phc: string }>(env.PASSWORDS, "https://passwords/", { op: "hash", password })).phc;
}

export function verifyPassword(env: Bindings, password: string, phc: string | null) {
  return post<{ matches: boolean; rehash: string | null }>(env.PASSWORDS, "https://passwords/", {
    op: "verify",
    password,
    phc,
  });
}

export type GuardAnswer =
  | { outcome: "allowed"; remaining: number }
  | { outcome: "refused"; retry_after: number }
  | { outcome: "cleared" };

export function askGuard(env: Bindings, name: string, op: "begin" | "succeed", ip: string) {
  const guard = env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(name));
  return post<GuardAnswer>(guard, "https://limits/", { op, ip });
}

async function post<Answer>(target: { fetch: Fetcher["fetch"] }, url: string, body: unknown): Promise<Answer> {
  const response = await target.fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (response.status !== 200) throw new Error(`a binding answered ${response.status}`);
  return response.json();
}
