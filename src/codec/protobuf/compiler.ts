import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { MessageCodec } from "../codec.ts";
import { messageReaders } from "./message-readers.ts";
import { messageWriters } from "./message-writers.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

type Compile = <D extends DescMessage>(desc: D) => MessageCodec<MessageShape<D>>;

/** Makes what compiles codecs of protobuf's binary format, which share their memory. */
export function compiler(): Compile {
  const writerOf = messageWriters();
  const readerOf = messageReaders();
  // Absent while in use: a getter of a message may encode another one.
  let idleWriter: Writer | undefined = new Writer();
  return <D extends DescMessage>(desc: D) => {
    const messageWriter = writerOf(desc);
    const messageReader = readerOf(desc);
    return {
      encode: (message) => {
        const writer = idleWriter ?? new Writer();
        idleWriter = undefined;
        try {
          writer.begin();
          messageWriter.write(writer, message);
          return writer.finish();
        } finally {
          idleWriter = writer;
        }
      },
      decode: (bytes) => {
        const message = messageReader.blank();
        messageReader.read(new Reader(bytes), message, bytes.length);
        return message as unknown as MessageShape<D>;
      },
    };
  };
}
