import type { MessageCodec } from "../codec.ts";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { messageReaders } from "./message-readers.ts";
import { messageWriters } from "./message-writer.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";
import type { Properties } from "./form.ts";

type Compile = <D extends DescMessage>(desc: D) => MessageCodec<MessageShape<D>>;

/** Makes what compiles codecs of protobuf's binary format, which share their memory. */
export function compiler(): Compile {
  const writerOf = messageWriters();
  const readerOf = messageReaders();
  // Absent while in use: a getter of a message may encode another one.
  let idleWriter: Writer | undefined = new Writer();
  const reader = new Reader();
  return <D extends DescMessage>(desc: D) => {
    const write = writerOf(desc);
    const messageReader = readerOf(desc);
    return {
      encode: (message) => {
        const writer = idleWriter ?? new Writer();
        idleWriter = undefined;
        try {
          writer.begin();
          write(writer, message as unknown as Properties);
          return writer.finish();
        } finally {
          idleWriter = writer;
        }
      },
      decode: (bytes) => {
        reader.begin(bytes);
        try {
          const message = messageReader.blank();
          messageReader.read(reader, message, bytes.length, undefined);
          return message as unknown as MessageShape<D>;
        } finally {
          reader.release();
        }
      },
    };
  };
}
