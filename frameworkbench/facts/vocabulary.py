"""What can be stated about a framework: the keys of ``[facts]``, and the words that filters rely on.

A filter can only compare words that mean the same everywhere. Where the words are fixed, an unknown one is an error;
where they are free (names of hubs, a sentence on documentation), the fact is shown and never filtered by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that can be stated.

    Attributes:
        key: its name in ``[facts.KEY]``.
        title: what a report calls it.
        many: whether the value is a list.
        allowed: the words that may stand there, with what a report calls each; empty where any text may.
    """

    key: str
    title: str
    many: bool
    allowed: Mapping[str, str]


_GRAPH_STYLES = {
    "dynamic": "dynamic graph",  # operations run as the program meets them
    "traced": "traced graph",  # a dynamic program is traced or translated into a graph
    "static": "static graph",  # the program writes the graph down before anything runs
}
_BUILDING_STYLES = {
    "sequential": "sequential",  # a list of layers
    "functional": "functional",  # layers called on symbolic inputs, or pure functions of parameters
    "subclassing": "subclassing",  # a class with a forward method
}
_OPERATING_SYSTEMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}
_ACCELERATORS = {
    "nvidia": "NVIDIA",
    "amd": "AMD",
    "apple": "Apple",
    "intel": "Intel GPU",
    "google-tpu": "Google TPU",
    "ascend": "Huawei Ascend",
    "kunlun": "Baidu Kunlun",
    "hygon": "Hygon DCU",
    "cambricon": "Cambricon MLU",
    "iluvatar": "Iluvatar",
    "metax": "MetaX",
    "enflame": "Enflame",
    "gaudi": "Intel Gaudi",
}
_DEPLOYMENT = {
    "server": "server",  # a serving program
    "mobile": "mobile",  # Android or iOS
    "browser": "browser",  # JavaScript in a web page
    "edge": "edge",  # boards and microcontrollers
    "cpp": "C++",  # a program without Python
}
_EXPORT_FORMATS = {
    "onnx": "ONNX",
    "saved-model": "SavedModel",
    "stablehlo": "StableHLO",
    "torch-export": "torch.export",
    "torchscript": "TorchScript",
    "executorch": "ExecuTorch",
    "litert": "LiteRT (TensorFlow Lite)",
    "tfjs": "TensorFlow.js",
    "openvino": "OpenVINO",
    "paddle-inference": "Paddle Inference",
    "paddle-lite": "Paddle Lite",
    "mxnet-symbol": "MXNet symbol and parameters",
}
_DISTRIBUTED = {
    "data-parallel": "data parallel",  # one copy of the model for each device
    "sharded": "sharded",  # parameters or optimizer states split over devices
    "tensor-parallel": "tensor parallel",  # single layers split over devices
    "pipeline-parallel": "pipeline parallel",  # groups of layers on different devices
    "parameter-server": "parameter server",  # weights held by servers of their own
}
_MAINTENANCE = {
    "active": "active",  # new releases add to it
    "maintenance": "maintenance only",  # fixes only
    "retired": "retired",  # given up by its maintainers
}

_TOPICS = (
    Topic("licence", "Licence", False, {}),
    Topic("graph_styles", "Graph styles", True, _GRAPH_STYLES),
    Topic("building_styles", "Model-building styles", True, _BUILDING_STYLES),
    Topic("operating_systems", "Operating systems", True, _OPERATING_SYSTEMS),
    Topic("accelerators", "Accelerators", True, _ACCELERATORS),
    Topic("deployment", "Deployment", True, _DEPLOYMENT),
    Topic("export_formats", "Export formats", True, _EXPORT_FORMATS),
    Topic("languages", "Languages", True, {}),
    Topic("distributed", "Distributed training", True, _DISTRIBUTED),
    Topic("visual_debugging", "Visual debugging", True, {}),
    Topic("pretrained_hubs", "Pretrained models", True, {}),
    Topic("last_release", "Last release", False, {}),
    Topic("maintenance", "Maintenance", False, _MAINTENANCE),
    Topic("documentation", "Documentation", False, {}),
    Topic("community", "Community", False, {}),
)

VOCABULARY: Mapping[str, Topic] = {topic.key: topic for topic in _TOPICS}
