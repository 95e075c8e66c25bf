// A message centre made with node-smpp, for both gateways: takes everything, and sends the receipt of each at once.
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../xtask/js/platform/config.mjs";

const smpp = createRequire(join(ROOT, "tests", "bridge", "centre.mjs"))("smpp");
let count = 0;
const server = smpp.createServer((session) => {
  // Without a listener a broken connection ends the process.
  session.on("error", () => {});
  const bind = (pdu) => session.send(pdu.response({ system_id: "bench" }));
  for (const kind of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) session.on(kind, bind);
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => {
    const id = String(++count);
    session.send(pdu.response({ message_id: id }));
    if (!pdu.registered_delivery) return;
    session.deliver_sm({
      esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2601151030 done date:2601151031 stat:DELIVRD err:000 text:`,
      receipted_message_id: id,
      message_state: 2,
    });
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
