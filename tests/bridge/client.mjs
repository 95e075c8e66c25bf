// node-smpp as a client of the loopback centre: `node client.mjs PORT`. Exits 0 once every message has its receipt.
import smpp from 'smpp';

const port = Number(process.argv[2]);
const COUNT = 200;
const open = new Set();
let answered = 0;
let receipted = 0;

const fail = (text) => {
  console.error(text);
  process.exit(1);
};
setTimeout(() => fail(`${answered} answers and ${receipted} receipts after a minute`), 60_000);

const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` });
session.on('error', (error) => fail(String(error)));
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  if (!(pdu.esm_class & smpp.ESM_CLASS.MC_DELIVERY_RECEIPT)) fail('a message that is no receipt');
  const id = pdu.receipted_message_id;
  if (!open.delete(id)) fail(`a receipt for ${id}`);
  if (pdu.message_state !== 2) fail(`state ${pdu.message_state}`);
  if (!pdu.short_message.message.includes(`id:${id} `)) fail('another id in the text');
  receipted += 1;
  if (receipted === COUNT) {
    session.unbind((answer) => {
      if (answer.command_status !== 0) fail('unbind was refused');
      process.exit(0);
    });
  }
});
session.bind_transceiver({ system_id: 'client', password: 'secret' }, (answer) => {
  if (answer.command_status !== 0) fail(`bind: ${answer.command_status}`);
  if (answer.sc_interface_version !== 0x34) fail('the version is missing');
  session.enquire_link({}, (alive) => alive.command_status === 0 || fail('enquire_link'));
  for (let number = 0; number < COUNT; number += 1) {
    session.submit_sm(
      { destination_addr: '491701234567', short_message: `Hello ${number} €`, registered_delivery: 1 },
      (taken) => {
        if (taken.command_status !== 0) fail(`submit: ${taken.command_status}`);
        if (open.has(taken.message_id)) fail(`id ${taken.message_id} twice`);
        open.add(taken.message_id);
        answered += 1;
      },
    );
  }
});
