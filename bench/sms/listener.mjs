// Hears what became of messages, from either gateway: the bridge's signed events, or Kannel's callbacks. Counts each delivered message once.
import { createServer } from "node:http";

const delivered = new Set();
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const url = new URL(request.url, "http://listener");
    if (url.pathname === "/count") return response.end(String(delivered.size));
    if (url.pathname === "/forget") delivered.clear();
    if (url.pathname === "/kannel" && url.searchParams.get("type") === "1") delivered.add(url.searchParams.get("id"));
    if (request.method === "POST" && url.pathname === "/api/v1/sms/dlr") {
      for (const event of JSON.parse(Buffer.concat(chunks)).events) {
        if (event.status === "DELIVERED") delivered.add(event.message_id);
      }
    }
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
