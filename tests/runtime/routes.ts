// The routes of the areas, from their documents: a new one is in every test that goes through all of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../xtask/js/platform.mjs";

export interface Route {
  method: string;
  path: string;
  /** Whether it is for those who are not signed in. */
  isOpen: boolean;
}

export function schoolRoutes(): Route[] {
  const { paths } = JSON.parse(readFileSync(join(ROOT, "openapi", "school.json"), "utf8"));
  return Object.entries<Record<string, { security?: unknown[] }>>(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path,
      isOpen: security?.length === 0,
    })),
  );
}
