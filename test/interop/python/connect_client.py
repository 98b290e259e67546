"""Calls a greeter with nothing but urllib, in the Connect protocol, and prints
what came back, as JSON.

Arguments: the address (http://host:port), and the format of messages: json or
msgpack. Both are written by hand from https://connectrpc.com/docs/protocol and
docs/msgpack.md.
"""

import base64
import gzip
import json
import struct
import sys
import urllib.error
import urllib.request

import msgpack

ADDRESS, FORMAT = sys.argv[1:3]
TIMEOUT = 20

CODES = {
    "canceled": 1,
    "invalid_argument": 3,
    "deadline_exceeded": 4,
    "failed_precondition": 9,
    "unimplemented": 12,
}


def encode(message):
    return json.dumps(message).encode() if FORMAT == "json" else msgpack.packb(message)


def decode(data):
    return json.loads(data) if FORMAT == "json" else msgpack.unpackb(data)


def asking(case, content_type, timeout_ms, **more):
    return {
        "content-type": content_type,
        "connect-protocol-version": "1",
        "connect-timeout-ms": str(timeout_ms),
        "x-case": case,
        "x-question": "why?",
        "x-question-bin": "AP8Q",
        **more,
    }


def post(service_method, body, headers):
    request = urllib.request.Request(f"{ADDRESS}/{service_method}", body, headers, method="POST")
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        return error


def body_of(response):
    data = response.read()
    return gzip.decompress(data) if response.headers["content-encoding"] == "gzip" else data


def unary(service_method, message, case, timeout_ms=20_000, zipped=False):
    """The status, headers and message of a unary call; errors are JSON in every format."""
    data = encode(message)
    more = {}
    if zipped:
        data = gzip.compress(data)
        more = {"content-encoding": "gzip", "accept-encoding": "gzip"}
    with post(service_method, data, asking(case, f"application/{FORMAT}", timeout_ms, **more)) as response:
        body = body_of(response)
        return response, decode(body) if response.status == 200 else json.loads(body)


def stream(service_method, messages, case, timeout_ms=20_000):
    """The headers, messages and end of a streaming call: each is an envelope of flags and a length."""
    data = b"".join(struct.pack(">BI", 0, len(one)) + one for one in map(encode, messages))
    with post(service_method, data, asking(case, f"application/connect+{FORMAT}", timeout_ms)) as response:
        assert response.status == 200, response.status
        assert response.headers["content-type"] == f"application/connect+{FORMAT}"
        received = []
        while True:
            flags, length = struct.unpack(">BI", response.read(5))
            piece = response.read(length)
            if flags == 2:
                assert response.read() == b""
                return response.headers, received, json.loads(piece)
            assert flags == 0, flags
            received.append(decode(piece))


def failure(error, why):
    return {
        "code": CODES[error["code"]],
        "message": error["message"],
        "details": [detail(one) for one in error["details"]],
        "why": why,
    }


def detail(of):
    """The debug form: reading the bytes takes a protobuf library."""
    base64.b64decode(of["value"] + "==")
    debug = of["debug"]
    if "fieldViolations" in debug:
        return {"type": of["type"], "violations": debug["fieldViolations"]}
    return {"type": of["type"], **debug}


def report():
    greet, many = "greet.v1.GreetService/Greet", "greet.v1.GreetService/GreetMany"
    result = {}

    response, answer = unary(greet, {"name": "Ada"}, "unary")
    headers = response.headers
    assert headers["content-type"] == f"application/{FORMAT}"
    result["unary"] = {
        **answer,
        "answer": headers["x-answer"],
        "last": headers["trailer-x-last"],
        "binary": base64.b64decode(headers["x-answer-bin"] + "==").hex(),
    }

    headers, messages, end = stream(many, [{"name": "Ada", "count": 3}], "many")
    result["many"] = {"messages": messages, "answer": headers["x-answer"], "last": end["metadata"]["x-last"][0]}

    collect = "greet.v1.GreetService/Collect"
    _, [result["collected"]], end = stream(collect, [{"name": "Ada"}, {"name": "Grace"}], "collected")
    assert "error" not in end

    response, answer = unary(greet, {"name": "Ada " * 1000}, "zipped", zipped=True)
    assert response.headers["content-encoding"] == "gzip"
    result["zipped"] = {"message": answer["message"]}

    response, error = unary(greet, {}, "failure")
    result["failure"] = failure(error, response.headers["x-why"])

    _, messages, end = stream(many, [{"count": 3}], "broken")
    result["broken"] = {**failure(end["error"], end["metadata"]["x-why"][0]), "messages": len(messages)}

    _, error = unary(greet, {}, "slow", timeout_ms=500)
    result["slow"] = {"code": CODES[error["code"]]}

    _, messages, end = stream(many, [{"count": 2, "pause": "30s"}], "slowStream", timeout_ms=2_000)
    result["slowStream"] = {"code": CODES[end["error"]["code"]], "messages": len(messages)}

    _, error = unary("greet.v1.GreetService/Nope", {}, "unknown")
    result["unknown"] = {"code": CODES[error["code"]]}
    return result


if __name__ == "__main__":
    print(json.dumps(report()))
