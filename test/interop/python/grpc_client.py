"""Calls a greeter with grpcio and prints what came back, as JSON.

Arguments: the address (host:port), and the directory of the generated code.
"""

import json
import queue
import sys

sys.path.insert(0, sys.argv[2])

import grpc  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from grpc_status import rpc_status  # noqa: E402

from greet.v1 import greet_pb2, greet_pb2_grpc  # noqa: E402

TIMEOUT = 20


def case(name):
    return (("x-case", name), ("x-question", "why?"), ("x-question-bin", b"\x00\xff\x10"))


def value(metadata, name):
    found = [item for key, item in metadata if key == name]
    return found[0] if found else None


def greeting(message):
    return {"message": message.message, "instance": message.instance}


def failure(error):
    """What an error says, with the details of grpc-status-details-bin."""
    status = rpc_status.from_call(error)
    return {
        "code": error.code().value[0],
        "message": error.details(),
        "details": [detail(any_message) for any_message in status.details],
        "why": value(error.trailing_metadata(), "x-why"),
    }


def detail(any_message):
    info = error_details_pb2.ErrorInfo()
    if any_message.Unpack(info):
        return {
            "type": info.DESCRIPTOR.full_name,
            "reason": info.reason,
            "domain": info.domain,
            "metadata": dict(info.metadata),
        }
    bad = error_details_pb2.BadRequest()
    any_message.Unpack(bad)
    violations = [{"field": v.field, "description": v.description} for v in bad.field_violations]
    return {"type": bad.DESCRIPTOR.full_name, "violations": violations}


def read(stream):
    """The messages of a stream, and the error at its end, if there is one."""
    messages = []
    try:
        for message in stream:
            messages.append(message)
    except grpc.RpcError as error:
        return messages, error
    return messages, None


def fails(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def report(channel):
    stub = greet_pb2_grpc.GreetServiceStub(channel)
    ada = greet_pb2.GreetRequest(name="Ada")
    result = {}

    answer, call = stub.Greet.with_call(ada, metadata=case("unary"), timeout=TIMEOUT)
    result["unary"] = {
        **greeting(answer),
        "answer": value(call.initial_metadata(), "x-answer"),
        "last": value(call.trailing_metadata(), "x-last"),
        "binary": value(call.initial_metadata(), "x-answer-bin").hex(),
    }

    many = greet_pb2.GreetManyRequest(name="Ada", count=3)
    stream = stub.GreetMany(many, metadata=case("many"), timeout=TIMEOUT)
    messages = [{**greeting(m), "index": m.index} for m in stream]
    result["many"] = {
        "messages": messages,
        "answer": value(stream.initial_metadata(), "x-answer"),
        "last": value(stream.trailing_metadata(), "x-last"),
    }

    names = (greet_pb2.CollectRequest(name=name) for name in ("Ada", "Grace"))
    collected = stub.Collect(names, metadata=case("collected"), timeout=TIMEOUT)
    result["collected"] = {**greeting(collected), "count": collected.count}

    questions = queue.SimpleQueue()
    chat = stub.Chat(iter(questions.get, None), metadata=case("chat"), timeout=TIMEOUT)
    result["chat"] = []
    for name in ("Ada", "Grace"):
        questions.put(greet_pb2.ChatRequest(name=name))
        result["chat"].append(next(chat).message)
    questions.put(None)
    result["chat"] += [message.message for message in chat]

    long = greet_pb2.GreetRequest(name="Ada " * 1000)
    zipped = stub.Greet(
        long, metadata=case("zipped"), timeout=TIMEOUT, compression=grpc.Compression.Gzip
    )
    result["zipped"] = {"message": zipped.message}

    error = fails(lambda: stub.Greet(ada, metadata=case("failure"), timeout=TIMEOUT))
    result["failure"] = failure(error)

    messages, error = read(stub.GreetMany(many, metadata=case("broken"), timeout=TIMEOUT))
    result["broken"] = {**failure(error), "messages": len(messages)}

    error = fails(lambda: stub.Greet(ada, metadata=case("slow"), timeout=0.5))
    result["slow"] = {"code": error.code().value[0]}

    paused = greet_pb2.GreetManyRequest(count=2)
    paused.pause.seconds = 30
    messages, error = read(stub.GreetMany(paused, metadata=case("slowStream"), timeout=2))
    result["slowStream"] = {"code": error.code().value[0], "messages": len(messages)}

    stream = stub.GreetMany(paused, metadata=case("canceled"), timeout=TIMEOUT)
    next(stream)
    stream.cancel()
    messages, error = read(stream)
    result["canceled"] = {"code": error.code().value[0], "messages": 1 + len(messages)}

    nope = channel.unary_unary("/greet.v1.GreetService/Nope")
    error = fails(lambda: nope(b"", metadata=case("unknown"), timeout=TIMEOUT))
    result["unknown"] = {"code": error.code().value[0]}
    return result


if __name__ == "__main__":
    with grpc.insecure_channel(sys.argv[1]) as open_channel:
        print(json.dumps(report(open_channel)))
