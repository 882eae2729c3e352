"""An OTLP/HTTP receiver that reads spans with OpenTelemetry's own messages for Python (opentelemetry-proto).

The first line of its output is its port. Each span is a line of JSON.
POST /busy/N: the next N exports get a 503. POST /hang: exports get no answer from now on.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

LOCK = threading.Lock()
NEVER = threading.Event()
STATE = {"busy": 0, "hangs": False}


def plain(values):
    return {pair.key: str(getattr(pair.value, pair.value.WhichOneof("value"))) for pair in values}


def record(resource, span, headers):
    return {
        "resource": plain(resource.attributes),
        "service": plain(resource.attributes)["service.name"],
        "name": span.name,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "state": span.trace_state,
        "kind": span.kind,
        "failed": span.status.code == 2,
        "attributes": plain(span.attributes),
        "in_order": 0 < span.start_time_unix_nano <= span.end_time_unix_nano,
        "key": headers.get("api-key", ""),
    }


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/hang":
            STATE["hangs"] = True
        elif self.path.startswith("/busy/"):
            STATE["busy"] = int(self.path.removeprefix("/busy/"))
        elif self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
            return self.answer(400)
        elif STATE["hangs"]:
            NEVER.wait()
        elif not self.take(body):
            return self.answer(503)
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def take(self, body):
        with LOCK:
            if STATE["busy"] > 0:
                STATE["busy"] -= 1
                return False
            for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in spans.scope_spans:
                    for span in scope.spans:
                        print(json.dumps(record(spans.resource, span, self.headers)), flush=True)
            return True

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
