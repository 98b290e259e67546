"""aspyx-service's own client, called one call after another: client.py ADDRESS."""
import logging
import sys
import time

from aspyx.di import Environment, create, module
from aspyx_service import ChannelAddress, ServiceManager, ServiceModule, SessionManager
from aspyx_service.service import ComponentRegistry, LocalComponentRegistry

from contract import CHANNELS, BenchComponent, EchoService, Record, RestEchoService
from wire import orders, tell, usage

logging.getLogger("httpx").setLevel(logging.WARNING)
address = sys.argv[1]


@module(imports=[ServiceModule])
class ClientModule:
    @create()
    def create_storage(self) -> SessionManager.Storage:
        return SessionManager.InMemoryStorage(max_size=10, ttl=60)

    @create()
    def create_registry(self) -> ComponentRegistry:
        # Fixed addresses: which registry it is costs nothing while calls run.
        registry = LocalComponentRegistry()
        descriptor = ServiceManager.get_descriptor(BenchComponent)
        registry.register(descriptor, [ChannelAddress(channel, address) for channel in CHANNELS])
        return registry


text = ("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt "
        "ut labore et dolore magna aliqua.")[:122]
record = Record(1, 1.5, True, "s", *([text] * 10))
manager = Environment(ClientModule).get(ServiceManager)


def caller(channel, message):
    of = manager.get_service(RestEchoService if channel == "rest" else EchoService, preferred_channel=channel)
    if message == "hello":
        return (lambda: of.hello("hello world")), "hello world"
    return (lambda: of.record(record)), record


def measure(channel, message, count):
    call, expected = caller(channel, message)
    if call() != expected:
        raise RuntimeError(f"{channel} changes {message}")
    latencies = []
    start = time.perf_counter()
    for _ in range(count):
        before = time.perf_counter()
        call()
        latencies.append(time.perf_counter() - before)
    ms = (time.perf_counter() - start) * 1000
    latencies.sort()

    def at(share):
        return round(latencies[min(count - 1, int(count * share))] * 1e6)

    return {"calls": count, "ms": ms, "p50": at(0.5), "p99": at(0.99), "p999": at(0.999)}


for order in orders():
    try:
        if order["do"] == "usage":
            tell(usage())
        else:
            tell(measure(order["channel"], order["message"], order["count"]))
    except Exception as error:
        tell({"error": f"{type(error).__name__}: {error}"})
