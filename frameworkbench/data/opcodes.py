"""Read lists, texts and byte arrays out of a pickle stream without running anything in it.

The python version of CIFAR-10 and Keras' imdb.npz are pickle streams. A general loader runs whatever
such a stream asks for, so none is used here: this reader knows the few opcodes that those files hold,
builds only Python's plain values, and knows three names (`_reconstruct`, `ndarray`, `dtype`) as inert
tokens. Any other opcode or name is an error, never an import or a call.

Source:
    Opcodes and their arguments: CPython, Lib/pickletools.py (read, not used).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from frameworkbench.errors import DataError

_NUMPY_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # how protocol 2 of Python 3 writes bytes
}
_MARK = object()


@dataclass(frozen=True, slots=True)
class Token:
    """An allowed name of the stream; it stands for nothing that could be called."""

    name: str


@dataclass(slots=True)
class ArrayParts:
    """What a stream says of one NumPy array: its shape, its type code and its contents."""

    shape: tuple[int, ...] = ()
    dtype: str = ""
    data: bytes | list[Any] = b""


@dataclass(slots=True)
class _Dtype:
    code: str


def read_stream(stream: bytes, where: str) -> Any:
    """Read the one value of a stream.

    Args:
        stream: the whole stream.
        where: the file, for messages.

    Returns:
        Lists, dictionaries, tuples, numbers, bytes, texts and `ArrayParts`.

    Raises:
        DataError: an opcode or a name that the published files do not hold, or a stream cut short.
    """
    reader = _Reader(stream, where)
    try:
        return reader.run()
    except (IndexError, struct.error, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise reader.refuse(f"malformed stream ({error})") from error


class _Reader:
    """A stack machine over the allowed opcodes."""

    def __init__(self, stream: bytes, where: str) -> None:
        self.stream, self.where, self.at = stream, where, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def refuse(self, problem: str) -> DataError:
        return DataError(
            f"{self.where}: {problem} at byte {self.at}; expected plain lists and arrays as published; "
            "nothing was executed; get the file again from its published address"
        )

    def run(self) -> Any:
        stream, stack = self.stream, self.stack
        while True:
            code = stream[self.at]
            self.at += 1
            if code == 0x4B:  # BININT1: with BININT2 nearly all of imdb.npz, so both come first
                stack.append(stream[self.at])
                self.at += 1
            elif code == 0x4D:  # BININT2
                stack.append(stream[self.at] | stream[self.at + 1] << 8)
                self.at += 2
            elif code == 0x2E:  # STOP
                if len(stack) != 1 or self.at != len(stream):
                    raise self.refuse("bytes after the end or values left over")
                return stack[0]
            else:
                self._step(chr(code))

    def _step(self, code: str) -> None:
        if code in _SIZED:
            width, kind = _SIZED[code]
            self.stack.append(self._decoded(self._take(self._number(width)), kind))
        elif code in _CONSTANTS:
            # A fresh list or dictionary each time: they are filled later.
            self.stack.append(_CONSTANTS[code]())
        elif code in "qrhj\x94":
            self._memory(code)
        elif code in "\x80\x95":
            self._take(1 if code == "\x80" else 8)  # protocol; frame length, which adds nothing here
        elif code == "J":
            self.stack.append(struct.unpack("<i", self._take(4))[0])
        elif code in "\x85\x86\x87t":
            items = self._above_mark() if code == "t" else self._pop(ord(code) - 0x84)
            self.stack.append(tuple(items))
        elif code in "aesu":
            self._fill(code)
        elif code in "c\x93":
            self._name(code)
        elif code == "R":
            self._reduce()
        elif code == "b":
            self._build()
        else:
            raise self.refuse(f"opcode {code!r} is not allowed")

    def _take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.stream):
            raise self.refuse("the stream is cut short")
        self.at += count
        return self.stream[self.at - count : self.at]

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    @staticmethod
    def _decoded(raw: bytes, kind: str) -> bytes | str:
        return raw.decode("utf-8") if kind == "text" else raw

    def _pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise self.refuse("a value is missing")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def _above_mark(self) -> list[Any]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise self.refuse("a mark is missing")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def _memory(self, code: str) -> None:
        if code == "\x94":
            self.memo[len(self.memo)] = self.stack[-1]
            return
        key = self._number(1 if code in "qh" else 4)
        if code in "qr":
            self.memo[key] = self.stack[-1]
        else:
            self.stack.append(self.memo[key])

    def _fill(self, code: str) -> None:
        count = {"a": 1, "s": 2}.get(code)
        items = self._pop(count) if count else self._above_mark()
        target = self.stack[-1]
        if code in "ae" and type(target) is list:
            target.extend(items)
        elif code in "su" and type(target) is dict:
            target.update(zip(items[::2], items[1::2], strict=True))
        else:
            raise self.refuse("items without a list or dictionary to put them in")

    def _name(self, code: str) -> None:
        if code == "c":
            end = self.stream.index(b"\n", self.stream.index(b"\n", self.at) + 1) + 1
            module, name = self._take(end - self.at).decode("ascii").split("\n")[:2]
        else:
            module, name = self._pop(2)
        if (module, name) not in _NUMPY_NAMES:
            raise self.refuse(f"the name {module!s:.80}.{name!s:.80} is not allowed")
        self.stack.append(Token(_NUMPY_NAMES[module, name]))

    def _reduce(self) -> None:
        token, arguments = self._pop(2)
        name = token.name if isinstance(token, Token) else None
        if name == "reconstruct" and arguments[0] == Token("ndarray"):
            self.stack.append(ArrayParts())
        elif name == "dtype" and type(arguments[0]) in (str, bytes):
            code = arguments[0]
            self.stack.append(_Dtype(code if isinstance(code, str) else code.decode("ascii")))
        elif name == "encode" and arguments[1:] == ("latin1",):
            self.stack.append(arguments[0].encode("latin1"))
        else:
            raise self.refuse("a call is not allowed")

    def _build(self) -> None:
        (state,) = self._pop(1)
        target = self.stack[-1]
        if isinstance(target, ArrayParts):
            _version, shape, dtype, fortran, data = state
            if fortran or not isinstance(dtype, _Dtype) or not all(type(n) is int for n in shape):
                raise self.refuse("an array of an unexpected form")
            target.shape, target.dtype, target.data = shape, dtype.code, data
        elif not isinstance(target, _Dtype):  # a type's state repeats its byte order, nothing else
            raise self.refuse("a state for something that is neither array nor type")


# Opcodes with a length in front: width of the length in bytes, and what follows.
_SIZED = {
    "U": (1, "bytes"),
    "T": (4, "bytes"),
    "C": (1, "bytes"),
    "B": (4, "bytes"),
    "X": (4, "text"),
    "\x8c": (1, "text"),
}
_CONSTANTS: dict[str, Any] = {
    "]": list,
    "}": dict,
    ")": tuple,
    "(": lambda: _MARK,
    "N": lambda: None,
    "\x88": lambda: True,
    "\x89": lambda: False,
}
