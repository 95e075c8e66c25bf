// The school area's permissions in the order of their numbers.

const CATALOGUE = ["user", "staff", "role", "user_role_assignment"]
  .flatMap((resource) => ["view", "add", "change", "delete"].map((verb) => `school.${verb}_${resource}`))
  .concat("school.view_audit_log");

const covers = (held: string, wanted: string) =>
  held.endsWith("*") ? wanted.startsWith(held.slice(0, -1)) : held === wanted;

export const allows = (held: string[], wanted: string) => held.some((one) => covers(one, wanted));

export const expand = (held: string[]) => CATALOGUE.filter((codename) => allows(held, codename));
