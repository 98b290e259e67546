const json = { "content-type": "application/json" };

/**
 * Calls without any library: REST, server-sent events, health and the OpenAPI
 * document of a mesh that lets the page in, and those that a browser refuses.
 *
 * @param open address of a mesh that lets the page in
 * @param closed address of one that does not
 */
export async function plainCalls(open: string, closed: string): Promise<unknown> {
  const at = (path: string): string => open + path;
  return {
    get: await answer(at("/v1/greet/Ada"), { headers: { "x-question": "why?" } }),
    credentials: await answer(at("/v1/greet/Ada"), { credentials: "include" }),
    missing: await answer(at("/v1/shelves/a/books/none")),
    created: await answer(at("/v1/shelves/a/books?bookId=c"), {
      method: "POST",
      headers: json,
      body: JSON.stringify({ title: "C" }),
    }),
    changed: await answer(at("/v1/shelves/a/books/c"), {
      method: "PATCH",
      headers: json,
      body: JSON.stringify({ title: "D" }),
    }),
    deleted: await answer(at("/v1/shelves/a/books/c"), { method: "DELETE", headers: { "x-server-timeout": "5" } }),
    // A browser asks nobody before a POST without a body.
    wrongMethod: await answer(at("/v1/greet/Ada"), { method: "POST" }),
    events: await firstEvent(at("/v1/shelves/a/books:watch")),
    health: (await answer(at("/health"))).status,
    openapi: (await answer(at("/openapi.json"))).status,
    headerNotAllowed: await refused(at("/v1/greet/Ada"), { headers: { "x-other": "1" } }),
    methodNotAllowed: await refused(at("/v1/greet/Ada"), { method: "DELETE" }),
    ownRoute: await refused(at("/own")),
    closedPost: await refused(`${closed}/greet.v1.GreetService/Greet`, { method: "POST", headers: json, body: "{}" }),
    closedGet: await refused(`${closed}/v1/greet/Ada`),
    closedCredentials: await refused(`${closed}/v1/greet/Ada`, { credentials: "include" }),
  };
}

async function answer(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  const answered = response.headers.get("x-answer");
  return {
    status: response.status,
    body: (await response.json()) as unknown,
    ...(answered === null ? {} : { answered }),
  };
}

/** Whether the browser does not let the page have the answer. */
async function refused(url: string, init: RequestInit = {}): Promise<boolean> {
  return fetch(url, init).then(
    () => false,
    (error: unknown) => error instanceof TypeError,
  );
}

/** The first server-sent event, as JSON. */
function firstEvent(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(url);
    events.addEventListener("message", ({ data }: MessageEvent<string>) => {
      events.close();
      resolve(JSON.parse(data));
    });
    events.addEventListener("error", () => {
      events.close();
      reject(new Error(`no event from ${url}`));
    });
  });
}
