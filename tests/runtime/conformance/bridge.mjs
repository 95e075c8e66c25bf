// What a bridge does, as far as the platform sees it: it takes everything, and nothing leaves.
import { createServer } from "node:http";

const LINK = { id: 100, system_id: "my_system", status: "up", rate: 50, in_flight: 0, window: 10, last_check: 0 };
const POOL = { id: 1000, rate: 50, links: [100], distribution: [0], queued: 0 };

export async function startBridge() {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(answer(request.url, Buffer.concat(chunks)));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

function answer(path, body) {
  if (path === "/metrics") return "bridge_links 1\n";
  if (path === "/v1/links") return JSON.stringify({ links: [LINK], pools: [POOL] });
  if (path === "/v1/cancellations") return '"cancelled"';
  if (path === "/v1/submissions") {
    const { messages } = JSON.parse(body);
    const accepted = ({ message_id }) => ({ outcome: "accepted", message_id, sms_ids: [`${message_id}-1`] });
    return JSON.stringify({ outcomes: messages.map(accepted) });
  }
  return JSON.stringify({ success: true, data: [] });
}
