import { create } from "@bufbuild/protobuf";
import { RecordSchema } from "../../gen/bench/v1/bench_pb.ts";
import type { Record as BenchRecord } from "../../gen/bench/v1/bench_pb.ts";

/** The implementation that every server of a BenchService here has. */
export const echo = {
  echoHello: <T>(message: T): T => message,
  echoRecord: <T>(message: T): T => message,
  echoTree: <T>(message: T): T => message,
  echoBlob: <T>(message: T): T => message,
  echoAllKinds: <T>(message: T): T => message,
  async *streamRecords({ count }: { count: number }): AsyncGenerator<BenchRecord> {
    for (let at = 0; at < count; at++) yield create(RecordSchema, { i: at, s: "s" });
  },
};
