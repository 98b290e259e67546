"""Calls a greeter and a library by their REST rules, with nothing but urllib,
and prints what came back, as JSON.

Argument: the address (http://host:port).
"""

import gzip
import json
import sys
import urllib.error
import urllib.request


def call(method, path, body=None, **headers):
    """The status, the headers and the body of an answer."""
    data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
    if data is not None:
        headers.setdefault("content_type", "application/json")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(sys.argv[1] + path, data, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def answer(*args, **headers):
    status, _, body = call(*args, **headers)
    return {"status": status, "body": json.loads(body)}


def main():
    shelf, book = "/v1/shelves/p/books", "/v1/shelves/p/books/py"
    image = bytes(range(256)) * 20
    result = {
        "greet": answer("GET", "/v1/greet/Ada%20%2F%20Bob"),
        "created": answer("POST", f"{shelf}?bookId=py", {"title": "Py", "copies": [{"number": str(2**64 - 1)}]}),
        "twice": answer("POST", f"{shelf}?bookId=py", {"title": "Py"}),
        "listed": answer("GET", f"{shelf}?pageSize=5"),
        "changed": answer("PATCH", book, {"title": "Python"}),
        "tags": answer("PUT", f"{book}/tags", ["b", "a"]),
        "archived": answer("POST", f"{book}:archive", {"reason": "old"}),
        "wrong": answer("GET", f"{shelf}?pageSize=many"),
        "late": answer("GET", "/v1/greet/Ada", x_case="slow", x_server_timeout="0.3"),
        "failed": answer("GET", "/v1/greet/Ada", x_case="failure"),
        "deleted": answer("DELETE", book),
        "missing": answer("GET", book),
        "nowhere": answer("GET", "/v1/nowhere"),
    }
    result["put"] = answer("PUT", "/v1/files/a/image.png", image, content_type="image/png")
    status, headers, body = call("GET", "/v1/files/a/image.png")
    result["got"] = [status, headers["content-type"], body == image]
    long = "/v1/greet/" + "Ada" * 1000
    status, headers, body = call("GET", long, accept_encoding="gzip")
    result["zipped"] = [status, headers["content-encoding"], json.loads(gzip.decompress(body))["message"]]
    status, headers, body = call("GET", "/v1/shelves/a/books:watch")
    lines = [json.loads(line) for line in body.decode().splitlines()]
    result["watched"] = [status, headers["content-type"], lines]
    books = b'{"book":{"title":"one"}}\n{"book":{"title":"two"}}\n'
    result["imported"] = answer("POST", "/v1/shelves/q/books:import", books, content_type="application/x-ndjson")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
