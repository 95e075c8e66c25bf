"use strict";

const AREAS = { all: "/api/schema/", system: "/api/schema/system/", school: "/api/schema/school/", chatbot: "/api/schema/chatbot/", sms: "/api/schema/sms/" };

const asked = new URLSearchParams(location.search).get("area");
const area = asked in AREAS ? asked : "all";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

document.querySelector(`nav [data-area="${area}"]`).setAttribute("aria-current", "page");
document.getElementById("raw").href = AREAS[area];
document.getElementById("host").textContent = location.host;

show().catch((error) => {
  document.getElementById("loading").textContent = `The document cannot be shown: ${error.message}.`;
});

async function show() {
  const response = await fetch(AREAS[area]);
  if (!response.ok) throw new Error(`${AREAS[area]} answered ${response.status}`);
  SwaggerUIBundle({
    spec: onThisHost(await response.json()),
    domNode: document.getElementById("reference"),
    deepLinking: true,
    docExpansion: area === "all" ? "none" : "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    requestSnippetsEnabled: true,
    validatorUrl: null,
  });
}

/** A page may call its own host only, which serves one area or the other. */
function onThisHost(spec) {
  for (const item of Object.values(spec.paths)) delete item.servers;
  return { ...spec, servers: [{ url: location.origin }] };
}
