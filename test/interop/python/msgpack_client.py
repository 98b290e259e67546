"""Adds a book with values of every kind to a library, in MessagePack by hand,
and prints what came back, as JSON.

Argument: the address (http://host:port).
"""

import json
import sys
import urllib.request

import msgpack

BOOK = {
    "title": "Naïve ☂",
    "author": {"givenName": "Ada", "address": {"country": "GB"}},
    "genre": "GENRE_SCIENCE",
    "pages": -7,
    "tags": ["a", ""],
    # Beyond what a double holds.
    "copies": [{"number": 2**64 - 1, "lent": True}],
    "translations": {"de": "Naiv"},
    "added": msgpack.Timestamp(1_700_000_000, 123_456_789),
    "archived": True,
    "rating": 4.5,
    "cents": -(2**53) - 1,
}


def call(method, message):
    request = urllib.request.Request(
        f"{sys.argv[1]}/library.v1.LibraryService/{method}",
        msgpack.packb(message),
        {"content-type": "application/msgpack", "connect-protocol-version": "1"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return msgpack.unpackb(response.read())


def main():
    made = call("CreateBook", {"parent": "shelves/m", "bookId": "py", "book": BOOK})["book"]
    expected = {**BOOK, "name": "shelves/m/books/py"}
    # Names in the contract, the enum's number, and wider numbers mean the same.
    same = {
        "parent": "shelves/m",
        "book_id": "again",
        "book": {**BOOK, "genre": 2, "pages": -7.0, "added": "2023-11-14T22:13:20.123456789Z"},
    }
    again = call("CreateBook", same)["book"]
    file = {"contentType": "a/b", "data": bytes(range(256))}
    put = call("PutFile", {"path": "x", "content": file})
    print(
        json.dumps(
            {
                "same": made == expected,
                "order": list(made),
                "again": again == {**BOOK, "name": "shelves/m/books/again"},
                "put": put,
                "file": call("GetFile", {"path": "x"}) == file,
                # Nothing that has its default.
                "checked": call("CheckBook", {"name": "shelves/m/books/py"}),
            }
        )
    )


if __name__ == "__main__":
    main()
