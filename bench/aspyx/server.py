"""aspyx-service on FastAPI and uvicorn, one process, as its documentation has it."""
import os
import socket
import threading

import uvicorn
from fastapi import FastAPI

from aspyx.di import create, module
from aspyx_service import (
    AbstractComponent,
    ChannelAddress,
    FastAPIServer,
    ServiceManager,
    ServiceModule,
    SessionManager,
    implementation,
)
from aspyx_service.service import ComponentRegistry, LocalComponentRegistry

from contract import CHANNELS, BenchComponent, EchoService, Record, RestEchoService
from wire import orders, tell, usage

app = FastAPI()


@implementation()
class Echo(EchoService):
    def hello(self, message: str) -> str:
        return message

    def record(self, data: Record) -> Record:
        return data


@implementation()
class RestEcho(RestEchoService):
    def hello(self, message: str) -> str:
        return message

    def record(self, data: Record) -> Record:
        return data


@implementation()
class Bench(AbstractComponent, BenchComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, f"http://127.0.0.1:{port}") for channel in CHANNELS]


@module(imports=[ServiceModule])
class ServerModule:
    @create()
    def create_storage(self) -> SessionManager.Storage:
        return SessionManager.InMemoryStorage(max_size=10, ttl=60)

    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()

    @create()
    def create_server(self, manager: ServiceManager, registry: ComponentRegistry) -> FastAPIServer:
        return FastAPIServer(app, manager, registry)


def obey():
    for _ in orders():
        tell(usage())
    # The benchmark is gone.
    os._exit(0)


with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
    FastAPIServer.boot(ServerModule, host="127.0.0.1", port=port, start_thread=False)
    threading.Thread(target=obey, daemon=True).start()
    tell({"address": f"http://127.0.0.1:{port}"})
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])
