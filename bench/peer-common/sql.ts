// The school area's statements, to the letter: the benchmark compares them with those that the area really sends.

export const SCHOOL_BY_HOST =
  "select t.id, t.name, t.schema_name, t.code, t.slot, t.status, t.timezone, t.locale, t.cors_origins " +
  "from tenant_domains d join tenants t on t.id = d.tenant_id where d.host = ?1";

export const SIGNED_IN =
  "with recursive held (id) as (select role_id from user_roles where user_id = ?2 " +
  "union select r.parent_id from roles r join held on r.id = held.id where r.parent_id is not null) " +
  "select u.id, trim(u.first_name || ' ' || u.last_name) as name, u.must_change_password, " +
  "(select json_group_array(distinct p.codename) from role_permissions p join held on held.id = p.role_id) " +
  "as permissions from sessions s join users u on u.id = s.user_id where s.id = ?1 and s.user_id = ?2 " +
  "and s.revoked_at is null and s.expires_at > ?3 and u.is_active = 1 and u.deleted_at is null";

const USER_COLUMNS =
  "u.id, u.email, u.phone_number, u.first_name, u.last_name, u.is_active, u.must_change_password, " +
  "u.last_login_at, u.created_at, u.updated_at, u.created_by, " +
  "(select json_group_array(json_object('id', r.id, 'name', r.name)) from " +
  "(select r.id, r.name from user_roles ur join roles r on r.id = ur.role_id " +
  "where ur.user_id = u.id order by r.name) r) as roles, " +
  "(select json_object('id', s.id, 'staff_number', s.staff_number, 'title', s.title, 'position', s.position, " +
  "'department', s.department, 'hired_on', s.hired_on) from staff s where s.user_id = u.id) as teacher_profile";

export const USER = `select ${USER_COLUMNS} from users u where u.id = ?1 and u.deleted_at is null`;
export const COUNT_USERS = "select count(*) as count from users u where u.deleted_at is null";
export const LIST_USERS =
  `select ${USER_COLUMNS} from users u where u.deleted_at is null order by u.created_at desc, u.id desc limit ? offset ?`;
export const CREDENTIALS = `select u.password_hash, ${USER_COLUMNS} from users u where u.email = ?1 and u.deleted_at is null`;

export const INSERT_USER =
  "insert into users (id, email, phone_number, first_name, last_name, password_hash, is_active, " +
  "must_change_password, created_at, updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)";
export const INSERT_STAFF =
  "insert into staff (id, user_id, staff_number, title, position, department, hired_on, is_active, " +
  "created_at, updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)";
export const INSERT_AUDIT =
  "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, " +
  "ip_address, request_id, timestamp) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

export const INSERT_SESSION =
  "insert into sessions (id, user_id, created_at, expires_at, ip_address, user_agent) " +
  "select ?1, ?2, ?3, ?4, ?5, ?6 where exists (select 1 from users where id = ?2 and password_hash = ?7 " +
  "and is_active = 1 and deleted_at is null)";
export const REFUSE_UNCHANGED = "insert into guards (rule) select 'changed_meanwhile' where changes() = 0";
export const INSERT_REFRESH_TOKEN = "insert into refresh_tokens (token_hash, session_id, issued_at) values (?1, ?2, ?3)";
export const NOTE_LOGIN =
  "update users set last_login_at = ?2, password_hash = coalesce(?3, password_hash) where id = ?1";

export const INSERT_EFFECT = "insert into outbox (kind, payload, created_at) values (?1, ?2, ?3)";
export const LIST_EFFECTS = "select seq, kind, payload from outbox order by seq limit ?1";
export const DELETE_EFFECTS = "delete from outbox where seq <= ?1";
export const UPSERT_DIRECTORY =
  "insert into directory (identifier_hash, tenant_id, user_id, present, seq) values (?1, ?2, ?3, ?4, ?5) " +
  "on conflict (identifier_hash, tenant_id, user_id) " +
  "do update set present = excluded.present, seq = excluded.seq where excluded.seq > directory.seq";
export const SET_PROGRESS =
  "update tenants set setup_progress = ?2 where id = ?1 and case ?2 when 'completed' then 2 " +
  "when 'in_progress' then 1 else 0 end > case setup_progress when 'completed' then 2 " +
  "when 'in_progress' then 1 else 0 end";
