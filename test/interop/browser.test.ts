import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumBinary } from "../../scripts/chromium.ts";
import { within } from "../../src/testing/until.ts";
import { expectForeign, startForeign } from "../support/foreign.ts";
import type { Foreign } from "../support/foreign.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { orSkip } from "../support/toolchain.ts";
import { openPage } from "./browser/chromium.ts";
import { servePage } from "./browser/serve-page.ts";

const chromium = await orSkip("Chromium", chromiumBinary);

const wires = ["connect", "connectJson", "connectGet", "grpcWeb", "grpcWebJson"] as const;

type Report = Readonly<Record<(typeof wires)[number] | "plain", unknown>>;

// One page makes all calls, since starting a browser is what takes time.
describe.skipIf(chromium === undefined)("a page of another origin, in Chromium", () => {
  let open: Foreign;
  let closed: StartedMesh;
  let report: Report;

  beforeAll(async () => {
    await using page = await servePage();
    open = await startForeign(
      {
        cors: {
          origins: [page.origin],
          credentials: true,
          allowedHeaders: ["x-case", "x-question", "x-question-bin"],
          exposedHeaders: ["x-answer", "x-answer-bin", "x-last", "x-why"],
        },
      },
      ({ http }) => {
        http.get("/own", async () => "mine");
      },
    );
    closed = await startMesh();
    const parameters = new URLSearchParams({ open: open.address, closed: closed.address });
    await using browser = await openPage(chromium ?? "", `${page.origin}/?${parameters.toString()}`);
    const reported = Promise.race([page.report, browser.ended]);
    report = (await within(() => reported, { timeoutMs: 50_000, what: "the page" }).catch((error: unknown) => {
      throw new Error(`the page did not report; Chromium said:\n${browser.log()}`, { cause: error });
    })) as Report;
  });

  afterAll(async () => {
    await Promise.all([open.mesh.close(), closed.mesh.close()]);
  });

  test.each(wires)("makes calls with connect-web over %s", async (wire) => {
    await expectForeign(open, report[wire], { upload: false, gzip: false });
  });

  test("spoke every wire", () => {
    const unary = ["GET null", "POST application/proto", "POST application/json"];
    const streams = ["POST application/connect+proto", "POST application/connect+json"];
    const web = ["POST application/grpc-web+proto", "POST application/grpc-web+json"];
    expect([...open.spoken]).toEqual(expect.arrayContaining([...unary, ...streams, ...web]));
  });

  test("makes REST calls, reads events, and gets nothing that it is not allowed", () => {
    expect(report.plain).toEqual({
      get: { status: 200, body: { message: "hello Ada", instance: open.id }, answered: "why?" },
      credentials: { status: 200, body: { message: "hello Ada", instance: open.id } },
      missing: {
        status: 404,
        body: expect.objectContaining({ code: 5, message: "there is no book shelves/a/books/none" }) as unknown,
        answered: "none",
      },
      created: { status: 200, body: { name: "shelves/a/books/c", title: "C" } },
      changed: { status: 200, body: { name: "shelves/a/books/c", title: "D" } },
      deleted: { status: 200, body: {} },
      wrongMethod: { status: 405, body: expect.objectContaining({ code: 12 }) as unknown },
      events: { book: expect.objectContaining({ title: "Naïve" }) as unknown, index: 1 },
      health: 200,
      openapi: 200,
      headerNotAllowed: true,
      methodNotAllowed: true,
      ownRoute: true,
      closedPost: true,
      closedGet: true,
      closedCredentials: true,
    });
  });
});
