import { ConnectError, createContextKey, createContextValues } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { callOptions, reasonOf } from "../../src/index.ts";
import { perCallOptions } from "../../src/client/options.ts";

/** The message of the configuration error that options of a call lead to, for whatever is no type of theirs. */
function refusalOf(options: object): string {
  try {
    callOptions(options);
  } catch (error) {
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    return ConnectError.from(error).rawMessage;
  }
  return "no error";
}

describe("the options of a call", () => {
  test.each([
    [{ chanel: "grpc" }, "chanel though there is no such option: there are timeoutMs, headers, signal, onHeader, onTrailer, contextValues, channel,"],
    [{ interceptors: [] }, "interceptors though there is no such option"],
    [{ waitForReady: "no" }, 'waitForReady to "no": it must be true or false'],
    [{ signal: true }, "signal to true: it must be an object"],
    [{ onHeader: "x" }, 'onHeader to "x": it must be a function'],
  ])("that there are not, or that make no sense, are an error that names them: %j", (options, message) => {
    expect(refusalOf(options)).toContain(`the options of the call set ${message}`);
  });

  test("may be all that Connect and the mesh know, or undefined", () => {
    const contextValues = createContextValues();
    const { signal } = new AbortController();
    const plain = { timeoutMs: 5, headers: { a: "b" }, signal, onHeader: () => {}, onTrailer: () => {} };
    const own = { channel: ["grpc"], waitForReady: false, retry: false, hedging: false, hashKey: "id" } as const;
    const options = callOptions({ ...plain, contextValues, ...own });
    expect(options).toEqual({ ...plain, contextValues: options.contextValues });
    expect(perCallOptions(options.contextValues)).toEqual(own);
    expect(refusalOf({ chanel: undefined, retry: undefined })).toBe("no error");
  });

  test("are not written into the context values that are given, which it still reads and writes", () => {
    const key = createContextKey("default");
    const contextValues = createContextValues().set(key, "given");
    const often = callOptions({ contextValues, retry: { maxAttempts: 5 } });
    const never = callOptions({ contextValues, retry: false });
    expect(perCallOptions(often.contextValues).retry).toEqual({ maxAttempts: 5 });
    expect(perCallOptions(never.contextValues).retry).toBe(false);
    expect(perCallOptions(contextValues)).toEqual({});
    expect(often.contextValues?.get(key)).toBe("given");
    often.contextValues?.set(key, "set");
    expect(contextValues.get(key)).toBe("set");
    often.contextValues?.delete(key);
    expect(never.contextValues?.get(key)).toBe("default");
  });

  test("stay when they are given again, unless they are set anew", () => {
    const usual = callOptions({ retry: false, channel: "grpc", waitForReady: true });
    const once = callOptions({ ...usual, timeoutMs: 5, waitForReady: false });
    expect(once.timeoutMs).toBe(5);
    expect(perCallOptions(once.contextValues)).toMatchObject({ retry: false, channel: "grpc", waitForReady: false });
    expect(perCallOptions(usual.contextValues)).toMatchObject({ retry: false, channel: "grpc", waitForReady: true });
  });
});
