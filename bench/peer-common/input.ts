// Validation by hand, all mistakes at once: the rules of the school area.
import commonPasswords from "../../shared/domain/data/common_passwords.txt";

export class FieldErrors extends Error {
  constructor(readonly messages: Record<string, string[]>) {
    super("invalid");
  }
}

export interface NewUser {
  email: string | null;
  phone_number: string | null;
  first_name: string;
  last_name: string;
  password?: string;
  is_active: boolean;
  must_change_password: boolean;
}

export interface NewStaff {
  user: string | null;
  staff_number: string;
  title: string;
  position: string;
  department: string;
  hired_on: string | null;
  is_active: boolean;
}

export interface Login {
  email: string;
  password: string;
}

const EMAIL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

type Rule<T> = (value: unknown) => T;
class Mistake extends Error {}

const text =
  (min: number, max: number): Rule<string> =>
  (value) => {
    const trimmed = verbatim(0, Infinity)(value).trim();
    verbatim(min, max)(trimmed);
    if (CONTROL.test(trimmed)) throw new Mistake("Control characters are not allowed.");
    return trimmed;
  };

const verbatim =
  (min: number, max: number): Rule<string> =>
  (value) => {
    if (typeof value !== "string") throw new Mistake("Not a valid string.");
    if (value === "" && min > 0) throw new Mistake("This field may not be blank.");
    const length = [...value].length;
    if (length < min) throw new Mistake(`Ensure this field has at least ${min} characters.`);
    if (length > max) throw new Mistake(`Ensure this field has no more than ${max} characters.`);
    return value;
  };

const email: Rule<string> = (value) => {
  const address = text(1, 254)(value);
  if (!EMAIL.test(address)) throw new Mistake("Enter a valid email address.");
  return address.toLowerCase();
};

const phoneNumber: Rule<string> = (value) => {
  const digits = text(1, 40)(value).replace(/[ \-.()/]/g, "").replace(/^00/, "+");
  if (!/^\+?[0-9]{6,15}$/.test(digits)) throw new Mistake("Enter a valid phone number.");
  return digits;
};

let common: Set<string> | undefined;
const newPassword: Rule<string> = (value) => {
  const password = verbatim(8, 128)(value);
  common ??= new Set(commonPasswords.split("\n"));
  if (common.has(password.toLowerCase())) throw new Mistake("This password is too common.");
  return password;
};

const boolean: Rule<boolean> = (value) => {
  if (typeof value !== "boolean") throw new Mistake("Must be a valid boolean.");
  return value;
};

const id: Rule<string> = (value) => {
  if (typeof value !== "string" || !UUID.test(value)) throw new Mistake("Must be a valid UUID.");
  return value.toLowerCase();
};

const date: Rule<string> = (value) => {
  const given = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : "";
  const moment = new Date(`${given}T00:00:00Z`);
  if (Number.isNaN(moment.getTime()) || !moment.toISOString().startsWith(given)) {
    throw new Mistake("Use the form 2026-01-31.");
  }
  return given;
};

/** A body being read; each field is taken once, and what is left is unknown. */
class Fields {
  #map: Map<string, unknown>;
  #errors: Record<string, string[]> = {};

  constructor(body: unknown) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new FieldErrors({ non_field_errors: ["The body must be a JSON object."] });
    }
    this.#map = new Map(Object.entries(body));
  }

  required<T>(name: string, rule: Rule<T>): T {
    if (!this.#map.has(name)) this.fail(name, "This field is required.");
    return this.optional(name, rule) as T;
  }

  optional<T>(name: string, rule: Rule<T>): T | undefined {
    if (!this.#map.has(name)) return undefined;
    const value = this.#map.get(name);
    this.#map.delete(name);
    try {
      if (value === null) throw new Mistake("This field may not be null.");
      return rule(value);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.fail(name, error.message);
      return undefined;
    }
  }

  nullable<T>(name: string, rule: Rule<T>): T | null {
    const value = this.#map.get(name);
    if (value === null || value === "") this.#map.delete(name);
    return this.optional(name, rule) ?? null;
  }

  ignore(...names: string[]) {
    for (const name of names) this.#map.delete(name);
  }

  fail(name: string, message: string) {
    (this.#errors[name] ??= []).push(message);
  }

  finish() {
    for (const name of this.#map.keys()) this.fail(name, "There is no such field.");
    const sorted = Object.entries(this.#errors).sort(([a], [b]) => (a < b ? -1 : 1));
    if (sorted.length > 0) throw new FieldErrors(Object.fromEntries(sorted));
  }
}

export function readLogin(body: unknown): Login {
  const fields = new Fields(body);
  const login = { email: fields.required("email", text(1, 254)), password: fields.required("password", verbatim(1, 128)) };
  fields.finish();
  return { ...login, email: login.email.toLowerCase() };
}

export function readNewUser(body: unknown): NewUser {
  const fields = new Fields(body);
  fields.ignore("id", "client", "roles", "teacher_profile", "last_login_at");
  fields.ignore("created_at", "updated_at", "created_by");
  const user = {
    email: fields.nullable("email", email),
    phone_number: fields.nullable("phone_number", phoneNumber),
    first_name: fields.required("first_name", text(1, 100)),
    last_name: fields.required("last_name", text(1, 100)),
    password: fields.optional("password", newPassword),
    is_active: fields.optional("is_active", boolean) ?? true,
    must_change_password: fields.optional("must_change_password", boolean) ?? false,
  };
  fields.finish();
  if (user.email === null && user.phone_number === null) {
    throw new FieldErrors({ non_field_errors: ["Give an email or a phone number."] });
  }
  return user;
}

export function readNewStaff(body: unknown): NewStaff {
  const fields = new Fields(body);
  fields.ignore("id", "created_at", "updated_at", "created_by");
  const staff = {
    user: fields.nullable("user", id),
    staff_number: fields.required("staff_number", text(1, 50)),
    title: fields.optional("title", text(0, 50)) ?? "",
    position: fields.optional("position", text(0, 100)) ?? "",
    department: fields.optional("department", text(0, 100)) ?? "",
    hired_on: fields.nullable("hired_on", date),
    is_active: fields.optional("is_active", boolean) ?? true,
  };
  fields.finish();
  return staff;
}

/** The page that a list is asked for. */
export function readPage(query: (name: string) => string | undefined): { page: number; page_size: number } {
  const errors: Record<string, string[]> = {};
  const number = (name: string, otherwise: number, max: number, message: string) => {
    const given = query(name) ?? String(otherwise);
    const value = /^\d+$/.test(given) ? Number(given) : 0;
    if (value < 1) errors[name] = [message];
    return Math.min(value, max);
  };
  const page = number("page", 1, 1_000_000, "A page is a whole number from 1.");
  const page_size = number("page_size", 25, 100, "A page size is a whole number from 1 to 100.");
  if (Object.keys(errors).length > 0) throw new FieldErrors(errors);
  return { page, page_size };
}
