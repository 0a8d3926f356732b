"""Runs the cases of the Autobahn test suite against a WebSocket echo server.

The suite (autobahntestsuite on PyPI) is written for Python 2 and an Autobahn of
that time. Its cases, which are what counts, are small classes that only say
what to send and what must come back: this program takes them out of the
suite's source archive, turns them into Python 3 with lib2to3, and gives them a
client of its own to speak with.

Texts of Python 2 are bytes: here each is a str with one character a byte.

Usage: run_cases.py ARCHIVE PORT SECTION...     one JSON object a case on stdout
"""

import asyncio
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
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = re.match(r"[^/]+/autobahntestsuite/case/(\w+\.py)$", member.name)
            if name and member.isfile():
                with open(os.path.join(folder, name[1]), "wb") as file:
                    file.write(tar.extractfile(member).read())
    with open(os.path.join(folder, "__init__.py"), encoding="utf8") as file:
        names = re.findall(r"^from (case\w+) import", file.read(), re.M)
    fixers = refactor.get_fixers_from_package("lib2to3.fixes")
    tool = refactor.RefactoringTool([fixer for fixer in fixers if not fixer.endswith("fix_import")])
    sys.path.insert(0, folder)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        # Bytes of the source are characters of the texts.
        with open(path, encoding="latin-1") as file:
            text = file.read().expandtabs(3)
        text = text.replace("(object, Case, )", "(Case, )")
        text = re.sub(r"(\.encode\([^)]*\))", r'\1.decode("latin-1")', text)
        text = text.replace("binascii.b2a_hex(", "in_hex(")
        text = text.replace("len(self.payload) / ", "len(self.payload) // ")
        text = re.sub(r"from autobahn\.\S+ import (WebSocketProtocol|Utf8Validator)", r"from client import \1", text)
        with open(path, "w", encoding="utf8") as file:
            file.write(str(tool.refactor_string(text + "\n", name)))
    builtins.in_hex = lambda value: octets(value).hex()
    sys.modules["client"] = SimpleNamespace(WebSocketProtocol=Client, Utf8Validator=Utf8Validator)
    base = importlib.import_module("case").Case
    base.compare = lambda _self, a, b: plain(a) == plain(b)
    cases = {}
    for name in names:
        # Compression is not spoken here; 9.9.1 is not in the suite's own list.
        if re.match(r"case(1[23]|9_9)", name):
            continue
        for value in vars(importlib.import_module(name)).values():
            for found in value if isinstance(value, list) else [value]:
                if isinstance(found, type) and issubclass(found, base) and re.match(r"Case\d", found.__name__):
                    cases[found.__name__[4:].replace("_", ".")] = found
    shutil.rmtree(folder)
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

    async def run(self, case_class, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=2**26)
        self.case = case_class(self)
        await self.open(port)
        self.state, self.connectionWasOpen = self.STATE_OPEN, True
        self.case.onOpen()
        try:
            await asyncio.wait_for(self.read_frames(), CASE_TIMEOUT)
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
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"the upgrade was refused: {head!r}")

    async def read_frames(self):
        message, is_binary = [], False
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
                is_binary = is_binary if opcode == 0 else opcode == 2
                message.append(payload)
                if first & 0x80:
                    whole, message = b"".join(message), []
                    self.case.onMessage(plain(whole), is_binary)

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
        body, opcode = octets(payload), 2 if binary or isBinary else 1
        size = fragmentSize or self.autoFragmentSize or max(1, len(body))
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        for index, piece in enumerate(pieces):
            self.sendFrame(opcode=0 if index else opcode, payload=piece, fin=index == len(pieces) - 1)

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


async def main(archive, port, sections):
    cases = load_cases(archive)
    chosen = sorted((case for case in cases if case.split(".")[0] in sections), key=number)
    for name in chosen:
        case = await Client().run(cases[name], port)
        found = {"case": name, "behavior": case.behavior, "close": case.behaviorClose}
        if case.behavior == "FAILED" or case.behaviorClose != "OK":
            about = " ".join(re.sub(r"<[^>]+>", " ", cases[name].DESCRIPTION).split())
            found |= {"about": about, "result": str(case.result), "resultClose": case.resultClose}
        print(json.dumps(found), flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
