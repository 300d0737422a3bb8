"""Writes networks as ONNX files, in floats or as INT8 with quantise-dequantise pairs, and says what is in them.

The few records of ONNX's protobuf schema that a chain of `Gemm` and `Relu` needs are written here, so that
training needs no package beyond numpy; that ONNX Runtime loads and agrees with them is tested.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.network import WIDTHS, Network

INPUT, OUTPUT = "features", "logits"
_IR_VERSION, _OPSET = 8, 13
_FLOAT, _INT8 = 1, 3
_TINY = 1e-8


def onnx_bytes(network: Network, metadata: Mapping[str, str]) -> bytes:
    """The network in 32-bit floats; the batch size is free."""
    nodes, initializers, current = [], [], INPUT
    last = len(network.weights) - 1
    for number, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        initializers += [_tensor(f"w{number}", weight), _tensor(f"b{number}", bias)]
        result = OUTPUT if number == last else f"h{number}"
        nodes.append(_node("Gemm", [current, f"w{number}", f"b{number}"], result))
        if number != last:
            nodes.append(_node("Relu", [result], f"r{number}"))
            current = f"r{number}"
    return _model(nodes, initializers, metadata)


def quantised_onnx_bytes(network: Network, sample: NDArray[np.float32], metadata: Mapping[str, str]) -> bytes:
    """INT8 as TensorRT's DLA wants it: symmetric, one scale per tensor; ``sample`` tells the ranges of activations."""
    ranges = [float(np.abs(each).max()) for each in network.activations(sample)]
    nodes, initializers, current = [], [_tensor("zero", np.zeros((), np.int8))], INPUT
    last = len(network.weights) - 1
    for number, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        initializers.append(_tensor(f"sx{number}", np.float32(max(ranges[number], _TINY) / 127)))
        nodes.append(_node("QuantizeLinear", [current, f"sx{number}", "zero"], f"q{number}"))
        nodes.append(_node("DequantizeLinear", [f"q{number}", f"sx{number}", "zero"], f"x{number}"))
        scale = np.float32(max(float(np.abs(weight).max()), _TINY) / 127)
        whole = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
        initializers += [
            _tensor(f"qw{number}", whole),
            _tensor(f"sw{number}", scale),
            _tensor(f"b{number}", bias),
        ]
        nodes.append(_node("DequantizeLinear", [f"qw{number}", f"sw{number}", "zero"], f"w{number}"))
        result = OUTPUT if number == last else f"h{number}"
        nodes.append(_node("Gemm", [f"x{number}", f"w{number}", f"b{number}"], result))
        if number != last:
            nodes.append(_node("Relu", [result], f"r{number}"))
            current = f"r{number}"
    return _model(nodes, initializers, metadata)


# --- protobuf ---------------------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    body = b"".join(_bytes(1, each) for each in inputs) + _bytes(2, output)
    return _bytes(1, body + _bytes(3, f"{kind.lower()}_{output}") + _bytes(4, kind))


def _tensor(name: str, values: NDArray[np.generic] | np.generic) -> bytes:
    array = np.asarray(values)
    kind = _INT8 if array.dtype == np.int8 else _FLOAT
    dims = b"".join(_number(1, each) for each in array.shape)
    return _bytes(5, dims + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes()))


def _value(field: int, name: str, width: int) -> bytes:
    shape = _bytes(1, _bytes(2, "batch")) + _bytes(1, _number(1, width))
    tensor = _number(1, _FLOAT) + _bytes(2, shape)
    return _bytes(field, _bytes(1, name) + _bytes(2, _bytes(1, tensor)))


def _model(nodes: Sequence[bytes], initializers: Sequence[bytes], metadata: Mapping[str, str]) -> bytes:
    graph = b"".join(nodes) + _bytes(2, "scenarios") + b"".join(initializers)
    graph += _value(11, INPUT, WIDTHS[0]) + _value(12, OUTPUT, WIDTHS[-1])
    properties = b"".join(
        _bytes(14, _bytes(1, key) + _bytes(2, value)) for key, value in sorted(metadata.items())
    )
    head = _number(1, _IR_VERSION) + _bytes(2, "winnow")
    return head + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, _OPSET)) + properties
