"""The smallest model that looks as if it had been compiled for an Edge TPU: one custom operation, SSD outputs."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIDE_PX = 96
_OUTPUTS = {"boxes": [1, 10, 4], "classes": [1, 10], "scores": [1, 10], "count": [1]}


def edgetpu_model() -> bytes:
    """A TFLite file."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = 32  # CUSTOM
    code.customCode = "edgetpu-custom-op"
    code.version = 1
    graph = schema.SubGraphT()
    graph.tensors = [_tensor("picture", [1, SIDE_PX, SIDE_PX, 3], schema.TensorType.UINT8)]
    graph.tensors += [_tensor(name, shape, schema.TensorType.FLOAT32) for name, shape in _OUTPUTS.items()]
    operator = schema.OperatorT()
    operator.opcodeIndex = 0
    operator.inputs = graph.inputs = np.array([0], np.int32)
    operator.outputs = graph.outputs = np.arange(1, 1 + len(_OUTPUTS), dtype=np.int32)
    operator.customOptions = [1, 2, 3, 4]
    graph.operators = [operator]
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [code]
    model.subgraphs = [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, shape: list[int], kind: int) -> object:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, 0
    return tensor
