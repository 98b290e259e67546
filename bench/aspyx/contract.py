"""The benchmark's service as an aspyx component: what server and client share."""
from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from aspyx_service import Body, Component, Service, component, get, post, rest, service


@dataclass
class Record:
    """The flat record of bench.proto."""

    i: int
    f: float
    b: bool
    s: str
    str0: str
    str1: str
    str2: str
    str3: str
    str4: str
    str5: str
    str6: str
    str7: str
    str8: str
    str9: str


@service(name="echo")
class EchoService(Service):
    """For the dispatching channels."""

    @abstractmethod
    def hello(self, message: str) -> str:
        pass

    @abstractmethod
    def record(self, data: Record) -> Record:
        pass


@service(name="rest-echo")
@rest("/api")
class RestEchoService(Service):
    """For the rest channel."""

    @abstractmethod
    @get("/hello/{message}")
    def hello(self, message: str) -> str:
        pass

    @abstractmethod
    @post("/record")
    def record(self, data: Body(Record)) -> Record:
        pass


@component(name="bench", services=[EchoService, RestEchoService])
class BenchComponent(Component):
    """Both services."""


CHANNELS = ("rest", "dispatch-json", "dispatch-msgpack", "dispatch-protobuf")
