import { clone, create } from "@bufbuild/protobuf";
import type { MessageShape } from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BookSchema, ShelfSchema } from "../../gen/library/v1/library_pb.ts";
import type { Book, LibraryService, SearchBooksRequest } from "../../gen/library/v1/library_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** A library in memory, and what its methods were last called with. */
export interface Library {
  readonly implementation: ServiceImpl<typeof LibraryService>;
  readonly books: Map<string, Book>;
  readonly files: Map<string, { readonly data: Uint8Array; readonly contentType: string }>;
  /** Requests of all methods, in the order they came. */
  readonly requests: unknown[];
  /** The last search. */
  search: SearchBooksRequest | undefined;
  /** The mask of the last update. */
  mask: FieldMask | undefined;
  context: HandlerContext | undefined;
}

export function library(): Library {
  const books = new Map<string, Book>();
  const files: Library["files"] = new Map();
  const requests: unknown[] = [];
  const note = <T>(request: T, context: HandlerContext): T => {
    requests.push(request);
    state.context = context;
    return request;
  };
  const find = (name: string): Book => {
    const book = books.get(name);
    if (book !== undefined) return book;
    throw new ConnectError(`there is no book ${name}`, Code.NotFound, { "x-shelf": "empty" }, [
      { desc: ErrorInfoSchema, value: { reason: "NO_BOOK", domain: "library.example", metadata: { name } } },
    ]);
  };
  const file = (path: string) => {
    const found = files.get(path);
    if (found !== undefined) return found;
    throw new ConnectError(`there is no file ${path}`, Code.NotFound);
  };
  const implementation: ServiceImpl<typeof LibraryService> = {
    listShelves(request, context) {
      note(request, context);
      const names = [...new Set([...books.keys()].map((name) => name.split("/").slice(0, 2).join("/")))];
      return { shelves: names.sort().map((name) => create(ShelfSchema, { name, title: name.toUpperCase() })) };
    },
    getBook(request, context) {
      note(request, context);
      context.responseHeader.set("x-answer", context.requestHeader.get("x-question") ?? "none");
      context.responseTrailer.set("x-last", "trailer");
      if (request.isbn === "") return { book: find(request.name) };
      const book = [...books.values()].find(({ isbn }) => isbn === request.isbn);
      return { book: book ?? find(`isbn ${request.isbn}`) };
    },
    checkBook(request, context) {
      find(note(request, context).name);
      return {};
    },
    listBooks(request, context) {
      const { parent, genre, pageSize } = note(request, context);
      const found = [...books.values()]
        .filter(({ name }) => parent === "" || name.startsWith(`${parent}/`))
        .filter((book) => genre === 0 || book.genre === genre);
      return { books: found.slice(0, pageSize || 50), nextPageToken: found.length > (pageSize || 50) ? "more" : "" };
    },
    searchBooks(request, context) {
      state.search = note(request, context);
      return { books: [...books.values()].filter(({ title }) => title.includes(request.text)) };
    },
    createBook(request, context) {
      const { parent, book = create(BookSchema), bookId } = note(request, context);
      const name = `${parent}/books/${bookId === "" ? books.size + 1 : bookId}`;
      if (books.has(name)) throw new ConnectError(`${name} is there already`, Code.AlreadyExists);
      const made = { ...clone(BookSchema, book), name };
      books.set(name, made);
      return { book: made };
    },
    updateBook(request, context) {
      const { book = create(BookSchema), updateMask } = note(request, context);
      state.mask = updateMask;
      const updated = { ...find(book.name), ...(updateMask === undefined ? book : { title: book.title }) };
      books.set(book.name, updated);
      return { book: updated };
    },
    deleteBook(request, context) {
      const { name, mustExist } = note(request, context);
      if (mustExist) find(name);
      books.delete(name);
      return {};
    },
    archiveBook(request, context) {
      const book = { ...find(note(request, context).name), archived: true };
      books.set(book.name, book);
      return { book };
    },
    setTags(request, context) {
      const { name, tags } = note(request, context);
      books.set(name, { ...find(name), tags });
      return { tags: [...tags].sort() };
    },
    getFile(request, context) {
      return file(note(request, context).path);
    },
    putFile(request, context) {
      const { path, content, overwrite } = note(request, context);
      if (files.has(path) && !overwrite) throw new ConnectError(`${path} is there already`, Code.AlreadyExists);
      const { data = new Uint8Array(0), contentType = "" } = content ?? {};
      files.set(path, { data, contentType });
      return { size: BigInt(data.byteLength), contentType };
    },
    async *readFile(request, context) {
      const { path, pieceSize } = note(request, context);
      const { data, contentType } = file(path);
      for (let at = 0; at < data.byteLength; at += pieceSize || 65_536) {
        yield { data: data.subarray(at, at + (pieceSize || 65_536)), contentType: at === 0 ? contentType : "" };
      }
    },
    async writeFile(messages, context) {
      let path = "";
      let contentType = "";
      const parts: Uint8Array[] = [];
      for await (const message of messages) {
        note(message, context);
        path ||= message.path;
        contentType ||= message.content?.contentType ?? "";
        parts.push(message.content?.data ?? new Uint8Array(0));
      }
      const data = new Uint8Array(Buffer.concat(parts));
      files.set(path, { data, contentType });
      return { size: BigInt(data.byteLength), contentType };
    },
    async *watchBooks(request, context) {
      const { parent } = note(request, context);
      context.responseHeader.set("x-answer", "watching");
      if (parent === "shelves/none") throw new ConnectError("there is no such shelf", Code.NotFound);
      let index = 0;
      for (const book of books.values()) if (book.name.startsWith(`${parent}/`)) yield { book, index: ++index };
      context.responseTrailer.set("x-count", String(index));
      if (parent === "shelves/broken") {
        throw new ConnectError("the shelf broke", Code.DataLoss, { "x-why": "age" }, [
          { desc: ErrorInfoSchema, value: { reason: "BROKEN", domain: "library.example" } },
        ]);
      }
      if (parent === "shelves/endless") {
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      }
    },
    async importBooks(messages, context) {
      const names: string[] = [];
      let shelf = "";
      for await (const message of messages) {
        note(message, context);
        shelf ||= message.parent;
        const book = message.book ?? create(BookSchema);
        const name = `${message.parent || shelf}/books/${book.title}`;
        books.set(name, { ...book, name });
        names.push(name);
      }
      return { names };
    },
    async *discuss(messages) {
      for await (const { text } of messages) yield { text: `why ${text}?` };
    },
    countBooks: () => ({ count: books.size }),
  };
  const state: Library = { implementation, books, files, requests, search: undefined, mask: undefined, context: undefined };
  return state;
}

/** Adds a book without a call. */
export function addBook(to: Library, name: string, init: Partial<Omit<MessageShape<typeof BookSchema>, "$typeName" | "$unknown">> = {}): Book {
  const book = create(BookSchema, { title: name, ...init, name });
  to.books.set(name, book);
  return book;
}
