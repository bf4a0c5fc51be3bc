"""How much rounding moves gradients through max and through average pooling, in the shape of ``cnn-large``.

Noise of the size of a float32 convolution's rounding is added to every convolution's output, in float64 otherwise, so
that nothing but the noise differs. Where two values of a pooling window are nearer to each other than the noise, the
maximum changes its place and the gradient goes elsewhere; averages have no such places.

usage: PATH/TO/python benchmarks/pooling_ties.py    (a Python with PyTorch; one minute on two cores)
"""

from __future__ import annotations

import torch
from torch import nn

NOISE = (1e-7, 3e-7, 1e-6, 3e-6)
CHANNELS = ((64, 64), (128, 128), (256, 256))
BATCH = 128


class Noisy(nn.Module):
    """A convolution whose output has noise of a given share of its own standard deviation."""

    def __init__(self, convolution: nn.Module, share: float) -> None:
        super().__init__()
        self.convolution, self.share = convolution, share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The output, shaped like the convolution's."""
        y = self.convolution(x)
        return y + self.share * y.detach().std() * torch.randn_like(y)


def network(pool: type[nn.Module]) -> list[nn.Module]:
    """The layers of ``cnn-large`` with this pooling."""
    layers: list[nn.Module] = []
    width = 3
    for number, block in enumerate(CHANNELS):
        layers += [pool(2)] if number else []
        for channels in block:
            convolution = nn.Conv2d(width, channels, 3, padding=1)
            nn.init.xavier_uniform_(convolution.weight)
            nn.init.zeros_(convolution.bias)
            layers += [convolution, nn.GELU()]
            width = channels
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]


def gradients(layers: list[nn.Module], x: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    """Gradients of the kernels, first layer first."""
    model = nn.Sequential(*layers).double()
    model.zero_grad()
    nn.functional.cross_entropy(model(x), labels).backward()
    return [p.grad.clone() for p in model.parameters() if p.dim() > 1 and p.grad is not None]


def main() -> None:
    """Print one line for each pooling and noise: relative error of each kernel's gradient, in the Euclidean norm."""
    torch.manual_seed(0)
    x, labels = torch.randn(BATCH, 3, 32, 32, dtype=torch.float64), torch.randint(0, 10, (BATCH,))
    for pool in (nn.MaxPool2d, nn.AvgPool2d):
        layers = network(pool)
        exact = gradients(layers, x, labels)
        for share in NOISE:
            noisy = [Noisy(layer, share) if isinstance(layer, nn.Conv2d) else layer for layer in layers]
            errors = [float((a - b).norm() / b.norm()) for a, b in zip(gradients(noisy, x, labels), exact, strict=True)]
            print(f"{pool.__name__:9} noise {share:.0e}: " + "  ".join(f"{error:.1e}" for error in errors))


if __name__ == "__main__":
    main()
