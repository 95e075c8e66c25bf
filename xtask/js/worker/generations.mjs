// The entry of every Worker: runs the area's WebAssembly in generations, so that a panic costs one request.
// The reasoning and the measurements are in docs/adr/0002-panics-retire-a-generation.md.

const RETIRED_AT_MOST = 8;
const LOST = Symbol("lost");
const EVENTS = ["scheduled", "queue", "email", "connect"];
const OBJECT_METHODS = ["fetch", "alarm", "webSocketMessage", "webSocketClose", "webSocketError", "connect"];

export function runtime(module, instantiate) {
  const retired = [];
  let current = begin();

  addEventListener("error", (event) => lost(current, event.error));
  addEventListener("unhandledrejection", (event) => lost(current, event.reason));

  /** One instance of the area's WebAssembly and the requests that it has not answered yet. */
  function begin() {
    const generation = { pending: new Map(), rust: null, panicked: false };
    generation.rust = instantiate(
      module,
      (request, report) => panicked(generation, request, report),
      (task) => queueMicrotask(() => contained(generation, task)),
    );
    return generation;
  }

  /** Runs one turn of the area's tasks; a trap in it ends that turn only. */
  function contained(generation, task) {
    try {
      task();
    } catch (error) {
      trapped(generation, error);
    }
  }

  /** Called by the area's panic hook, just before it traps; it must not throw. */
  function panicked(generation, request, report) {
    console.error(JSON.stringify({ level: "error", event: "panic", message: report }));
    generation.panicked = true;
    retire(generation);
    if (request === undefined) answerAll(generation);
    else settle(generation, request);
  }

  function trapped(generation, error) {
    if (!generation.panicked) {
      lost(generation, error, true);
      return;
    }
    generation.panicked = false;
    // The trap interrupted the queue of tasks: those behind it run when the next one is queued.
    generation.rust.nudge?.().catch(() => {});
  }

  /** A trap that no panic announced (memory or stack exhausted): nothing in that instance can be relied on. */
  function lost(generation, error, certain = error instanceof WebAssembly.RuntimeError) {
    if (!certain) return;
    console.error(JSON.stringify({ level: "error", event: "trap", message: String(error?.stack ?? error) }));
    retire(generation);
    answerAll(generation);
  }

  function retire(generation) {
    if (generation !== current) return;
    try {
      current = begin();
    } catch (error) {
      // No memory for another instance: carry on with this one, its other requests may still succeed.
      console.error(JSON.stringify({ level: "error", event: "no_fresh_instance", message: String(error) }));
      return;
    }
    retired.push(generation);
    if (retired.length > RETIRED_AT_MOST) answerAll(retired.shift());
  }

  function answerAll(generation) {
    for (const subject of [...generation.pending.keys()]) settle(generation, subject);
  }

  function settle(generation, subject) {
    const entry = generation.pending.get(subject);
    generation.pending.delete(subject);
    entry?.lose();
  }

  function apology(request) {
    try {
      const rendered = current.rust.panic_response?.(request);
      if (rendered) return rendered;
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "panic_response", message: String(error) }));
    }
    return Response.json(
      { detail: "The server could not answer this request.", code: "internal_error" },
      {
        status: 500,
        headers: {
          "x-request-id": request.headers.get("x-request-id") ?? crypto.randomUUID(),
          "x-error-code": "internal_error",
        },
      },
    );
  }

  /** Runs one event to its end; `subject` is what a panic names it by. */
  async function run(generation, subject, call) {
    const outcome = await new Promise((resolve, reject) => {
      generation.pending.set(subject, { lose: () => resolve(LOST) });
      const finish = (how) => (value) => {
        if (generation.pending.delete(subject)) how(value);
      };
      try {
        call(generation.rust).then(finish(resolve), finish(reject));
      } catch (error) {
        trapped(generation, error);
      }
    });
    // After the await, because an answer has to be made in its own request's context.
    if (outcome !== LOST) return outcome;
    if (subject instanceof Request) return apology(subject);
    throw new Error("The instance that handled this event stopped.");
  }

  function handlers() {
    const exported = {};
    if (current.rust.fetch) {
      exported.fetch = (request, env, ctx) => {
        const answer = run(current, request, (rust) => rust.fetch(request, env, ctx));
        // A client that goes away must not cancel a write half way, nor leave its task in the instance for ever.
        ctx.waitUntil(answer);
        return answer;
      };
    }
    for (const name of EVENTS) {
      if (!current.rust[name]) continue;
      exported[name] = (event, env, ctx) => run(current, event, (rust) => rust[name](event, env, ctx));
    }
    return exported;
  }

  /** The JavaScript class of a Durable Object; it builds the Rust object again in each new generation. */
  function durableObject(name) {
    class Wrapper {
      #state;
      #env;
      #generation;
      #object;

      constructor(state, env) {
        this.#state = state;
        this.#env = env;
        this.live();
      }

      live() {
        if (this.#generation !== current) {
          const generation = current;
          try {
            this.#object = new generation.rust[name](this.#state, this.#env);
            this.#generation = generation;
          } catch (error) {
            trapped(generation, error);
            throw error;
          }
        }
        return [this.#generation, this.#object];
      }
    }
    for (const method of OBJECT_METHODS) {
      if (!current.rust[name].prototype[method]) continue;
      Wrapper.prototype[method] = function (...args) {
        const [generation, object] = this.live();
        const subject = args[0] instanceof Request ? args[0] : {};
        return run(generation, subject, () => object[method](...args));
      };
    }
    return Wrapper;
  }

  return { handlers: handlers(), durableObject };
}
