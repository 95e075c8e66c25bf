// What is left in a school's outbox when the Worker that was to carry it out is gone.
import { expect, test } from "vitest";
import { schoolAdministrator, slotOf, usePlatform } from "./platform";

const platform = usePlatform();

test("an effect that was left over is carried out by the next scheduled event", async () => {
  const admin = await schoolAdministrator(platform, platform.schools[0]);
  const slot = await slotOf(platform, "greenwood");
  const waiting = async () => (await platform.execute(slot, [["SELECT * FROM outbox"]]))[0];
  // Those of the demo's people are carried out after the answers, and with them whatever is there.
  await expect.poll(waiting, { timeout: 60_000 }).toEqual([]);
  const effect = { identifier_hash: "left-over", user_id: admin.user.id, present: true };
  await platform.execute(slot, [
    ["INSERT INTO outbox (kind, payload, created_at) VALUES ('directory', ?1, ?2)", JSON.stringify(effect), Date.now()],
  ]);
  const known = async () => {
    const [rows] = await platform.execute("CONTROL", [["SELECT * FROM directory WHERE identifier_hash = 'left-over'"]]);
    return rows.length;
  };
  expect(await known()).toBe(0);
  await platform.scheduled();
  expect(await known()).toBe(1);
  expect(await waiting()).toEqual([]);
  await platform.scheduled();
  expect(await known()).toBe(1);
});
