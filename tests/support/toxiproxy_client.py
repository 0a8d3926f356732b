"""Uses every call of toxiproxy-python against the API at the port of the first argument; the second is an address."""

import sys

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

server = Toxiproxy()
server.update_api_consumer("127.0.0.1", int(sys.argv[1]))
assert server.running()
assert b"2.12.0" in server.version()

proxy = server.create(name="py", upstream="127.0.0.1:1", listen=sys.argv[2])
assert proxy.enabled and proxy.listen == sys.argv[2]
try:
    server.create(name="py", upstream="127.0.0.1:1")
    raise AssertionError("a second proxy of one name")
except ProxyExists:
    pass

TOXICS = {
    "latency": {"latency": 10, "jitter": 2},
    "bandwidth": {"rate": 1000},
    "slow_close": {"delay": 5},
    "timeout": {"timeout": 60000},
    "reset_peer": {"timeout": 60000},
    "slicer": {"average_size": 100, "size_variation": 10, "delay": 1},
    "limit_data": {"bytes": 1000},
}
for stream in ("upstream", "downstream"):
    for kind, attributes in TOXICS.items():
        proxy.add_toxic(type=kind, stream=stream, toxicity=0.5, attributes=attributes)
        toxic = proxy.get_toxic("%s_%s" % (kind, stream))
        assert (toxic.type, toxic.stream, toxic.toxicity) == (kind, stream, 0.5)
        assert toxic.attributes == attributes
        assert proxy.destroy_toxic(toxic.name)
assert proxy.toxics() == {}
try:
    proxy.add_toxic(type="nothing")
    raise AssertionError("a toxic of no type")
except InvalidToxic:
    pass
try:
    proxy.destroy_toxic("nothing")
    raise AssertionError("a toxic that is not there")
except NotFound:
    pass

with proxy.down():
    assert not server.get_proxy("py").enabled
assert server.get_proxy("py").enabled
proxy.add_toxic(type="latency", attributes={"latency": 1})
proxy.disable()
assert server.reset()
assert server.get_proxy("py").enabled and proxy.toxics() == {}
server.populate([{"name": "one", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0"}])
assert sorted(server.proxies()) == ["one", "py"]
server.destroy_all()
assert server.proxies() == {}
print("ok")
