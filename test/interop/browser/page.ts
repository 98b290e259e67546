import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { greetingCalls } from "./calls.ts";
import { plainCalls } from "./plain-calls.ts";

const { searchParams } = new URL(location.href);
const baseUrl = searchParams.get("open") ?? "";
const closed = searchParams.get("closed") ?? "";

/** Runs in the page: makes all calls, one wire after the other, and sends what came back to where the page is from. */
async function main(): Promise<unknown> {
  return {
    connect: await greetingCalls(createConnectTransport({ baseUrl, useBinaryFormat: true })),
    connectJson: await greetingCalls(createConnectTransport({ baseUrl, useBinaryFormat: false })),
    connectGet: await greetingCalls(createConnectTransport({ baseUrl, useHttpGet: true })),
    grpcWeb: await greetingCalls(createGrpcWebTransport({ baseUrl, useBinaryFormat: true })),
    grpcWebJson: await greetingCalls(createGrpcWebTransport({ baseUrl, useBinaryFormat: false })),
    plain: await plainCalls(baseUrl, closed),
  };
}

function send(path: string, body: unknown): Promise<Response> {
  return fetch(path, { method: "POST", body: JSON.stringify(body) });
}

main().then(
  (report) => send("/report", report),
  (error: unknown) => send("/failed", error instanceof Error ? String(error.stack) : String(error)),
);
