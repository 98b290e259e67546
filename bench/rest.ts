// What a REST call costs compared with a JSON call of the same method: one real
// server and one client in this process, over loopback HTTP/2, so that the CPU
// time counts both sides. The two channels take turns in short rounds; the
// ratio is the median of the rounds' ratios.
//
//   node bench/rest.ts [rounds] [calls per round]
import { create } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { BookSchema, Genre, LibraryService } from "../gen/library/v1/library_pb.ts";
import { component, createMesh, implement, memory } from "../src/index.ts";

const rounds = Number(process.argv[2] ?? 40);
const calls = Number(process.argv[3] ?? 400);
const concurrency = 16;

const book = create(BookSchema, {
  name: "shelves/1/books/7",
  title: "The Art of Computer Programming",
  author: { givenName: "Donald", familyName: "Knuth" },
  genre: Genre.SCIENCE,
  pages: 672,
  tags: ["algorithms", "classics"],
});

const librarian = component({
  name: "library",
  services: [
    implement(
      LibraryService,
      {
        getBook: () => ({ book }),
        searchBooks: () => ({ books: [book] }),
        createBook: () => ({ book }),
        archiveBook: () => ({ book }),
      },
      { partial: true },
    ),
  ],
});

type Library = Client<typeof LibraryService>;
const cases: Readonly<Record<string, (library: Library) => Promise<unknown>>> = {
  "GET, path": (library) => library.getBook({ name: book.name }),
  "GET, path and query": (library) =>
    library.getBook({ name: book.name, readMask: { paths: ["title", "author"] } }),
  "GET, ten parameters": (library) =>
    library.searchBooks({
      text: "art of",
      genres: [Genre.SCIENCE, Genre.HISTORY],
      tags: ["classics"],
      like: { author: { familyName: "Knuth" }, pages: 10 },
      minPages: 100,
      maxCents: 5_000n,
      archived: false,
      author: "Knuth",
    }),
  "POST, body field": (library) => library.createBook({ parent: "shelves/1", book, bookId: "7" }),
  "POST, body *": (library) => library.archiveBook({ name: book.name, reason: "worn out" }),
};

const registry = memory();
await using host = createMesh({
  registry,
  components: [librarian],
  listen: {},
  drain: { drainDelayMs: 0 },
  validate: false,
});
await host.start();
await using guest = createMesh({ registry });
const json = guest.client(LibraryService, { channel: "json" });
const rest = guest.client(LibraryService, { channel: "rest" });

console.log("case                    json µs   rest µs   rest / json");
let worst = 0;
for (const [name, call] of Object.entries(cases)) {
  await cost(json, call);
  await cost(rest, call);
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who comes first changes, so that neither always runs on the other's garbage.
    const first = round % 2 === 0 ? json : rest;
    const one = await cost(first, call);
    const other = await cost(first === json ? rest : json, call);
    pairs.push(first === json ? [one, other] : [other, one]);
  }
  const ratio = median(pairs.map(([ofJson, ofRest]) => ofRest / ofJson));
  worst = Math.max(worst, ratio);
  const columns = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b)), ratio];
  const [ofJson, ofRest, ofBoth] = columns.map((value, at) => value.toFixed(at === 2 ? 2 : 0));
  console.log(`${name.padEnd(20)} ${ofJson?.padStart(10)} ${ofRest?.padStart(9)} ${ofBoth?.padStart(13)}`);
}
console.log(`worst ratio ${worst.toFixed(2)} (at most 1.30)`);
process.exitCode = worst <= 1.3 ? 0 : 1;

/** CPU time of one call in microseconds, over a round of calls. */
async function cost(library: Library, call: (library: Library) => Promise<unknown>): Promise<number> {
  let left = calls;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await call(library);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
