// What a message centre can take from one connection: prepared submit_sm, window full, answers counted and not read: `node blaster.mjs ADDRESS WINDOW COUNT`.
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { ROOT } from "../../xtask/js/platform/config.mjs";

const smpp = createRequire(join(ROOT, "tests", "bridge", "centre.mjs"))("smpp");
const [address, ...numbers] = process.argv.slice(2);
const [host, port] = address.split(":");
const [window, count] = numbers.map(Number);
const SUBMIT_SM_RESP = 0x80000004;
const [STATUS, SEQUENCE] = [8, 12];

const bind = new smpp.PDU("bind_transceiver", { system_id: "bench", password: "bench", sequence_number: 1 }).toBuffer();
// As `session_rate` sends it.
const submit = new smpp.PDU("submit_sm", {
  source_addr_ton: 5,
  source_addr: "School",
  dest_addr_ton: 1,
  dest_addr_npi: 1,
  destination_addr: "491701234567",
  registered_delivery: 1,
  short_message: "School is closed tomorrow because of the snow.",
}).toBuffer();

let [sent, taken, begin] = [0, 0, 0];
let rest = Buffer.alloc(0);
const socket = connect({ port: Number(port), host, noDelay: true }, () => socket.write(bind));
socket.on("error", fail).on("close", () => fail(new Error("the centre hung up")));
socket.on("data", (data) => {
  rest = rest.length ? Buffer.concat([rest, data]) : data;
  let at = 0;
  while (rest.length - at >= 16 && rest.length - at >= rest.readUInt32BE(at)) {
    const [length, id] = [rest.readUInt32BE(at), rest.readUInt32BE(at + 4)];
    if (rest.readUInt32BE(at + STATUS) !== 0) fail(new Error(`command ${id.toString(16)} was refused`));
    if (id === SUBMIT_SM_RESP) taken++;
    at += length;
  }
  rest = rest.subarray(at);
  begin ||= performance.now();
  if (taken === count) {
    const seconds = (performance.now() - begin) / 1000;
    console.log(`${Math.round(count / seconds)} messages/s: ${taken} taken, 0 not, window ${window}, ${seconds.toFixed(2)} s`);
    process.exit(0);
  }
  send(Math.min(window - (sent - taken), count - sent));
});

function send(some) {
  if (some === 0) return;
  const bytes = Buffer.allocUnsafe(some * submit.length);
  for (let n = 0; n < some; n++) {
    submit.copy(bytes, n * submit.length);
    bytes.writeUInt32BE(++sent + 1, n * submit.length + SEQUENCE);
  }
  socket.write(bytes);
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}
