// node-smpp against itself, for `session_rate` to be compared with: `node flood.mjs PORT [WINDOW] [COUNT]`.
import smpp from 'smpp';

const [port, window = '100', count = '200000'] = process.argv.slice(2);
const total = Number(count);
const session = smpp.connect({ host: '127.0.0.1', port: Number(port) });
session.on('error', (error) => {
  throw error;
});
session.bind_transceiver({ system_id: 'bench', password: 'bench' }, () => {
  const begin = performance.now();
  let sent = 0;
  let taken = 0;
  const send = () => {
    sent += 1;
    session.submit_sm(
      {
        source_addr_ton: 5,
        source_addr: 'School',
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr: '491701234567',
        registered_delivery: 1,
        short_message: 'School is closed tomorrow because of the snow.',
      },
      () => {
        taken += 1;
        if (sent < total) send();
        if (taken < total) return;
        const seconds = (performance.now() - begin) / 1000;
        console.log(`${Math.round(total / seconds)} messages/s: ${taken} taken, window ${window}, ${seconds.toFixed(2)} s`);
        process.exit(0);
      },
    );
  };
  for (let n = 0; n < Number(window); n += 1) send();
});
