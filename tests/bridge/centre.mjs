// A message centre made with node-smpp: `node centre.mjs [CERT KEY]`. Prints its port, then a line of JSON for every message.
// Every message is taken and has its receipt at once; again a second after a refusal, and on another bind, there or to come, where no answer came.
// Commands on stdin: "mo <text>", "unbind", "count", "binds".
// For `session_rate`: `node centre.mjs - - quiet` only answers. `node centre.mjs - - 5` answers after 5 ms,
// and `node centre.mjs - - mute` sends no receipts and says "delivered" to those who ask with query_sm.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import smpp from 'smpp';

const [cert, key, mode] = process.argv.slice(2);
const quiet = mode === 'quiet';
// Nobody reads the texts of a centre that only answers, and GSM's alphabet takes a quarter of node-smpp's time to decode.
if (quiet) smpp.encodings.default = 'LATIN1';
const latency = Number(mode) || 0;
const options = cert && cert !== '-' ? { cert: readFileSync(cert), key: readFileSync(key), secure: true } : {};
const sessions = new Set();
const owed = new Map();
let count = 0;
let binds = 0;

/** Answers to what arrived together leave together: a system call for each would be a large part of the work. */
function answerTogether(socket) {
  socket.prependListener('readable', () => {
    socket.cork();
    process.nextTick(() => socket.uncork());
  });
}

/** Sends a receipt on a session, or on another one where that has ended. */
function deliver(id, wanted) {
  const owing = owed.get(id);
  const session = sessions.has(wanted) ? wanted : [...sessions][0];
  if (!owing || !session) return;
  owing.to = session;
  session.deliver_sm({ ...owing.receipt }, (answer) => {
    if (answer.command_status === 0) owed.delete(id);
    else setTimeout(() => owing.to === session && deliver(id, session), 1_000);
  });
}

const server = smpp.createServer(options, (session) => {
  // Without a listener a broken connection ends the process.
  session.on('error', () => {});
  let account;
  session.on('close', () => {
    sessions.delete(session);
    for (const [id, { to }] of owed) if (to === session) deliver(id, session);
  });
  if (quiet) answerTogether(session.socket);
  const bind = (pdu) => {
    if (pdu.system_id === 'stranger') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return;
    }
    sessions.add(session);
    account = pdu.system_id;
    binds += 1;
    session.send(pdu.response({ system_id: 'node-smpp' }));
    for (const id of owed.keys()) deliver(id, session);
  };
  session.on('bind_transceiver', bind);
  session.on('bind_transmitter', bind);
  session.on('bind_receiver', bind);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('query_sm', (pdu) => session.send(pdu.response({ message_id: pdu.message_id, final_date: '', message_state: 2, error_code: 0 })));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    count += 1;
    const id = count.toString(16).toUpperCase().padStart(8, '0');
    if (latency) setTimeout(() => take(pdu, id), latency);
    else take(pdu, id);
  });
  const take = (pdu, id) => {
    session.send(pdu.response({ message_id: id }));
    if (quiet) return;
    const { message, udh } = pdu.short_message;
    const text = pdu.message_payload?.message ?? message;
    console.log(
      JSON.stringify({
        id,
        account,
        source: pdu.source_addr,
        destination: pdu.destination_addr,
        ton: pdu.dest_addr_ton,
        coding: pdu.data_coding,
        esm: pdu.esm_class,
        text,
        udh: udh?.map((element) => element.toString('hex')),
        sar: pdu.sar_msg_ref_num === undefined ? null : [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
        validity: String(pdu.validity_period?.toISOString?.() ?? pdu.validity_period),
      }),
    );
    if (!pdu.registered_delivery || mode === 'mute') return;
    owed.set(id, {
      to: session,
      receipt: {
        esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
        source_addr: pdu.destination_addr,
        destination_addr: pdu.source_addr,
        short_message: `id:${parseInt(id, 16)} sub:001 dlvrd:001 submit date:2601151030 done date:2601151031 stat:DELIVRD err:000 text:`,
        receipted_message_id: id,
        message_state: 2,
      },
    });
    deliver(id, session);
  };
});

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ...words] = line.split(' ');
  for (const session of sessions) {
    if (command === 'mo') {
      session.deliver_sm({
        source_addr_ton: 1,
        source_addr_npi: 1,
        source_addr: '491701234567',
        destination_addr: '4711',
        // Left alone, it says 1 (ASCII) and writes the GSM alphabet.
        data_coding: 0,
        short_message: words.join(' '),
      });
    }
    if (command === 'unbind') session.unbind();
  }
  if (command === 'binds') console.log(JSON.stringify({ binds }));
  if (command === 'count') console.log(JSON.stringify({ count }));
}).on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
