"""Runs the cases of the Autobahn test suite against a WebSocket echo server.

The suite (autobahntestsuite on PyPI) is written for Python 2 and an Autobahn of
that time. Its cases, which are what counts, are small classes that only say
what to send and what must come back: this program takes them out of the
suite's source archive, turns them into Python 3 with lib2to3, and gives them a
client of its own to speak with.

Texts of Python 2 are bytes: here each is a str with one character a byte.

Usage: run_cases.py ARCHIVE PORT MESSAGES SECTION...     one JSON object a case on stdout

The cases of compression (sections 12 and 13) send up to MESSAGES messages each.
"""

import asyncio
import atexit
import base64
import builtins
import codecs
import importlib
import json
import os
import re
import shutil
import struct
import sys
import tarfile
import tempfile
import zlib
from types import SimpleNamespace

CASE_TIMEOUT = 110
# How long a server may take to end the stream once the closing handshake is through.
DROP_TIMEOUT = 1


def load_cases(archive):
    """The suite's case classes, by their number as text."""
    try:
        from lib2to3 import refactor
    except ModuleNotFoundError:
        sys.exit("lib2to3 is needed, which Python has up to 3.12")
    folder = tempfile.mkdtemp(prefix="autobahn-cases-")
    atexit.register(shutil.rmtree, folder)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = re.match(r"[^/]+/autobahntestsuite/(?:case/(?=\w+\.py$)|testdata/)([^/]+)$", member.name)
            if name and member.isfile():
                with open(os.path.join(folder, name[1]), "wb") as file:
                    file.write(tar.extractfile(member).read())
    with open(os.path.join(folder, "__init__.py"), encoding="utf8") as file:
        names = re.findall(r"^from (case\w+) import", file.read(), re.M)
    fixers = refactor.get_fixers_from_package("lib2to3.fixes")
    tool = refactor.RefactoringTool([fixer for fixer in fixers if not fixer.endswith("fix_import")])
    sys.path.insert(0, folder)
    for name in os.listdir(folder):
        if not name.endswith(".py"):
            continue
        path = os.path.join(folder, name)
        # Bytes of the source are characters of the texts.
        with open(path, encoding="latin-1") as file:
            text = file.read().expandtabs(3)
        text = text.replace("(object, Case, )", "(Case, )")
        # Those of compression have texts and bytes apart already.
        if not name.startswith("case12"):
            text = re.sub(r"(\.encode\([^)]*\))", r'\1.decode("latin-1")', text)
        text = text.replace("from autobahn.websocket.compress import *", "from client import *")
        text = text.replace("binascii.b2a_hex(", "in_hex(")
        text = text.replace("len(self.payload) / ", "len(self.payload) // ")
        text = re.sub(r"from autobahn\.\S+ import (WebSocketProtocol|Utf8Validator)", r"from client import \1", text)
        with open(path, "w", encoding="utf8") as file:
            file.write(str(tool.refactor_string(text + "\n", name)))
    builtins.in_hex = lambda value: octets(value).hex()
    sys.modules["client"] = SimpleNamespace(
        WebSocketProtocol=Client,
        Utf8Validator=Utf8Validator,
        PerMessageDeflateOffer=DeflateOffer,
    )
    sys.modules["pkg_resources"] = SimpleNamespace(
        resource_filename=lambda _package, path: os.path.join(folder, os.path.basename(path))
    )
    base = importlib.import_module("case").Case
    base.compare = lambda _self, a, b: plain(a) == plain(b)
    cases = {}
    for name in names:
        # 9.9.1 is not in the suite's own list.
        if name.startswith("case9_9"):
            continue
        for value in vars(importlib.import_module(name)).values():
            for found in value if isinstance(value, list) else [value]:
                if isinstance(found, type) and issubclass(found, base) and re.match(r"Case\d", found.__name__):
                    cases[found.__name__[4:].replace("_", ".")] = found
    return cases


def plain(value):
    """The same value with bytes as texts of one character a byte."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def octets(value):
    return value if isinstance(value, bytes) else value.encode("latin-1")


class Utf8Validator:
    """Stands for Autobahn's: the cases ask it which beginnings of a text are whole characters."""

    def reset(self):
        self.decoder = codecs.getincrementaldecoder("utf8")()

    def validate(self, value):
        try:
            self.decoder.decode(octets(value))
        except UnicodeDecodeError:
            return False, False
        return True, self.decoder.getstate()[0] == b""


class DeflateOffer:
    """Stands for Autobahn's: one offer of permessage-deflate (RFC 7692)."""

    def __init__(self, requestNoContextTakeover=False, requestMaxWindowBits=0):
        self.requestNoContextTakeover = requestNoContextTakeover
        self.requestMaxWindowBits = requestMaxWindowBits

    def __str__(self):
        text = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
        if self.requestNoContextTakeover:
            text += "; server_no_context_takeover"
        if self.requestMaxWindowBits:
            text += f"; server_max_window_bits={self.requestMaxWindowBits}"
        return text


class Deflate:
    """Both directions of permessage-deflate, as a server has agreed to it."""

    def __init__(self, answer, offers):
        name, *parameters = [part.strip() for part in answer.split(";")]
        self.values = dict(parameter.partition("=")[::2] for parameter in parameters)
        known = {f"{side}_{what}" for side in ("client", "server") for what in ("no_context_takeover", "max_window_bits")}
        if name != "permessage-deflate" or not set(self.values) <= known:
            raise ConnectionError(f"the server agreed to {answer!r}")
        for offer in offers:
            bits = int(self.values.get("server_max_window_bits", 15))
            is_reset = "server_no_context_takeover" in self.values
            if bits <= (offer.requestMaxWindowBits or 15) and (is_reset or not offer.requestNoContextTakeover):
                break
        else:
            raise ConnectionError(f"the server agreed to {answer!r}, which answers no offer")
        self.compressor = self.decompressor = None

    def compress(self, data):
        if self.compressor is None or "client_no_context_takeover" in self.values:
            bits = int(self.values.get("client_max_window_bits", 15))
            self.compressor = zlib.compressobj(wbits=-bits)
        return (self.compressor.compress(data) + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def decompress(self, data):
        if self.decompressor is None or "server_no_context_takeover" in self.values:
            bits = int(self.values.get("server_max_window_bits", 15))
            self.decompressor = zlib.decompressobj(-bits)
        return self.decompressor.decompress(data + b"\x00\x00\xff\xff")


class Client:
    """What a case calls `p`: a WebSocket client that sends whatever it is told."""

    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_GOING_AWAY = 1001
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_UNSUPPORTED_DATA = 1003
    CLOSE_STATUS_CODE_NULL = 1005
    CLOSE_STATUS_CODE_ABNORMAL_CLOSE = 1006
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007
    CLOSE_STATUS_CODE_POLICY_VIOLATION = 1008
    CLOSE_STATUS_CODE_MESSAGE_TOO_BIG = 1009
    CLOSE_STATUS_CODE_MANDATORY_EXTENSION = 1010
    CLOSE_STATUS_CODE_INTERNAL_ERROR = 1011

    def __init__(self):
        self.factory = SimpleNamespace(isServer=False)
        self.state = self.STATE_CONNECTING
        self.connectionWasOpen = self.closedByMe = self.failedByMe = False
        self.wasClean = self.droppedByMe = False
        self.remoteCloseCode = self.remoteCloseReason = None
        self.localCloseCode = self.localCloseReason = None
        self.createWirelog = False
        self.autoFragmentSize = 0
        self.txFrameStats = {}
        self.trafficStats = None
        self.timers = []
        self.isCloseSent = False
        self.perMessageCompressionOffers = []
        self._perMessageCompress = None

    async def run(self, case_class, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=2**26)
        self.case = case_class(self)
        await self.open(port)
        self.state, self.connectionWasOpen = self.STATE_OPEN, True
        self.case.onOpen()
        try:
            await asyncio.wait_for(self.read_frames(), max(CASE_TIMEOUT, getattr(self.case, "WAITSECS", 0) + 10))
        except asyncio.TimeoutError:
            self.case.result = f"nothing ended the case within {CASE_TIMEOUT} s"
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        self.state = self.STATE_CLOSED
        for timer in self.timers:
            timer.cancel()
        self.writer.close()
        self.case.onConnectionLost(self.failedByMe)
        return self.case

    async def open(self, port):
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{self.offer()}\r\n".encode()
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"the upgrade was refused: {head!r}")
        agreed = re.search(r"\r\nSec-WebSocket-Extensions: *(.*?)\r\n", head.decode(), re.I)
        if agreed:
            self._perMessageCompress = Deflate(agreed[1], self.perMessageCompressionOffers)

    def offer(self):
        offers = ", ".join(str(offer) for offer in self.perMessageCompressionOffers)
        return f"Sec-WebSocket-Extensions: {offers}\r\n" if offers else ""

    async def read_frames(self):
        message, is_binary, is_compressed = [], False, False
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length > 125:
                length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
            payload = await self.reader.readexactly(length)
            opcode = first & 0x0F
            if opcode == 8:
                if await self.close_came(payload):
                    return
            elif opcode == 9:
                self.case.onPing(plain(payload))
                self.sendFrame(opcode=10, payload=payload)
            elif opcode == 10:
                self.case.onPong(plain(payload))
            else:
                if opcode != 0:
                    is_binary, is_compressed = opcode == 2, bool(first & 0x40)
                message.append(payload)
                if first & 0x80:
                    whole, message = b"".join(message), []
                    if is_compressed:
                        whole = self._perMessageCompress.decompress(whole)
                    self.case.onMessage(whole if self._perMessageCompress else plain(whole), is_binary)

    async def close_came(self, payload):
        if len(payload) >= 2:
            self.remoteCloseCode = int.from_bytes(payload[:2], "big")
            self.remoteCloseReason = payload[2:].decode()
        self.wasClean = True
        if not self.isCloseSent:
            self.sendCloseFrame(self.remoteCloseCode, isReply=True)
        self.case.onClose(True, self.remoteCloseCode, self.remoteCloseReason)
        # The server is to end the stream first.
        try:
            await asyncio.wait_for(self.reader.read(), DROP_TIMEOUT)
        except asyncio.TimeoutError:
            self.droppedByMe = True
        return True

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
        body = octets(payload)
        if payload_len is not None:
            body = (body * (payload_len // max(1, len(body)) + 1))[:payload_len] if body else b""
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        self.write(self.head(opcode, len(body), fin, rsv) + self.masked(body), chopsize)

    def head(self, opcode, length, fin=True, rsv=0):
        self.key = os.urandom(4)
        first = (0x80 if fin else 0) | rsv << 4 | opcode
        if length < 126:
            return bytes([first, 0x80 | length]) + self.key
        if length < 65536:
            return bytes([first, 0xFE]) + struct.pack("!H", length) + self.key
        return bytes([first, 0xFF]) + struct.pack("!Q", length) + self.key

    def masked(self, body):
        size = len(body)
        key = (self.key * (size // 4 + 1))[:size]
        return (int.from_bytes(body, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")

    def write(self, data, chopsize=None):
        if self.state == self.STATE_CLOSED or self.writer.is_closing():
            return
        for at in range(0, len(data), chopsize or max(1, len(data))):
            self.writer.write(data[at : at + (chopsize or len(data))])

    def sendMessage(self, payload, binary=False, isBinary=False, fragmentSize=None, **_options):
        body, opcode, rsv = octets(payload), 2 if binary or isBinary else 1, 0
        if self._perMessageCompress:
            body, rsv = self._perMessageCompress.compress(body), 4
        size = fragmentSize or self.autoFragmentSize or max(1, len(body))
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        for index, piece in enumerate(pieces):
            fin = index == len(pieces) - 1
            self.sendFrame(opcode=0 if index else opcode, payload=piece, fin=fin, rsv=0 if index else rsv)

    def beginMessage(self, isBinary=False, **_options):
        self.begin = 2 if isBinary else 1

    def beginMessageFrame(self, length):
        self.left = length
        self.write(self.head(self.begin, length, fin=False))
        self.begin, self.position = 0, 0

    def sendMessageFrameData(self, payload, sync=False):
        body = octets(payload)
        key = bytes(self.key[(self.position + at) % 4] for at in range(4))
        self.position += len(body)
        kept, self.key = self.key, key
        self.write(self.masked(body))
        self.key = kept

    def endMessage(self):
        self.sendFrame(opcode=0, payload=b"")

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        payload = b"" if code is None else struct.pack("!H", code) + octets(reasonUtf8 or b"")
        self.sendFrame(opcode=8, payload=payload)
        self.isCloseSent = True
        self.state = self.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode, self.localCloseReason = code, reasonUtf8

    def sendClose(self, code=None, reason=None):
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, reason)

    def later(self, delay, action):
        def act():
            if self.state != self.STATE_CLOSED:
                action()

        self.timers.append(asyncio.get_running_loop().call_later(delay, act))

    def continueLater(self, delay, fun, tag=None):
        self.later(delay, fun)

    def closeAfter(self, delay):
        self.later(delay, self.sendClose)

    def killAfter(self, delay):
        self.later(delay, self.fail)

    def fail(self):
        self.failedByMe = self.droppedByMe = True
        self.writer.transport.abort()

    def enableWirelog(self, _enable):
        pass


def number(case):
    return [int(part) for part in case.split(".")]


async def main(archive, port, messages, sections):
    cases = load_cases(archive)
    chosen = sorted((case for case in cases if case.split(".")[0] in sections), key=number)
    for name in chosen:
        cases[name].COUNT = min(messages, getattr(cases[name], "COUNT", 0))
        case = await Client().run(cases[name], port)
        found = {"case": name, "behavior": case.behavior, "close": case.behaviorClose}
        if case.behavior == "FAILED" or case.behaviorClose != "OK":
            about = " ".join(re.sub(r"<[^>]+>", " ", cases[name].DESCRIPTION).split())
            found |= {"about": about, "result": str(case.result), "resultClose": case.resultClose}
        print(json.dumps(found), flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
