// Rows of the database as the school area shows them.
import type { School } from "./bindings";

/** A user's row, as USER_COLUMNS selects it. */
export interface UserRow {
  id: string;
  email: string | null;
  phone_number: string | null;
  first_name: string;
  last_name: string;
  is_active: number | boolean;
  must_change_password: number | boolean;
  last_login_at: number | null;
  created_at: number;
  updated_at: number;
  created_by: string | null;
  roles: string;
  teacher_profile: string | null;
}

export interface StaffRow {
  id: string;
  user: string | null;
  staff_number: string;
  title: string;
  position: string;
  department: string;
  hired_on: string | null;
  is_active: boolean;
  created_at: number;
  updated_at: number;
  created_by: string | null;
}

const time = (millis: number) => new Date(millis).toISOString();

export function userOut(row: UserRow, school: School) {
  return {
    id: row.id,
    email: row.email,
    phone_number: row.phone_number,
    first_name: row.first_name,
    last_name: row.last_name,
    is_active: Boolean(row.is_active),
    must_change_password: Boolean(row.must_change_password),
    client: school.id,
    roles: JSON.parse(row.roles),
    teacher_profile: row.teacher_profile === null ? null : JSON.parse(row.teacher_profile),
    last_login_at: row.last_login_at === null ? null : time(row.last_login_at),
    created_at: time(row.created_at),
    updated_at: time(row.updated_at),
    created_by: row.created_by,
  };
}

export function staffOut(row: StaffRow) {
  return { ...row, created_at: time(row.created_at), updated_at: time(row.updated_at) };
}

export function schoolOut(school: School) {
  const { id, name, schema_name, code, timezone, locale } = school;
  return { id, name, schema_name, code, timezone, locale };
}

export function listOut(address: string, page: number, pageSize: number, count: number, results: unknown[]) {
  const of = (number: number) => {
    const url = new URL(address);
    url.searchParams.delete("page");
    url.searchParams.append("page", String(number));
    return url.toString();
  };
  return {
    count,
    next: page * pageSize < count ? of(page + 1) : null,
    previous: page > 1 ? of(page - 1) : null,
    results,
  };
}

/** What an audit row says of a new record. */
export function created(record: Record<string, unknown>): string {
  const fields = Object.entries(record).filter(([name, value]) => value !== null && name !== "updated_at");
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(fields.map(([name, to]) => [name, { from: null, to }])));
}
