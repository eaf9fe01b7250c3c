"""Networks of the study that no catalogue has: small residual networks, and a denoiser."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions and a shortcut that is padded with zeros where channels double."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.more = stride, channels - channels_in

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut to what the convolutions make."""
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.more or self.stride != 1:
            x = x[:, :, :: self.stride, :: self.stride]
            x = nn.functional.pad(x, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return torch.relu(x + y)


class CifarResNet(nn.Module):
    """ResNet for CIFAR-10 (He et al. 2016, section 4.2) in the layout of akamaster's weights."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16, 1) for _ in range(blocks)))
        self.layer2 = nn.Sequential(
            Block(16, 32, 2), *(Block(32, 32, 1) for _ in range(blocks - 1))
        )
        self.layer3 = nn.Sequential(
            Block(32, 64, 2), *(Block(64, 64, 1) for _ in range(blocks - 1))
        )
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        scores: Tensor = self.linear(x.mean((2, 3)))
        return scores


def resnet20() -> nn.Module:
    """Make a network of 20 layers."""
    return CifarResNet(3)


def resnet56() -> nn.Module:
    """Make a network of 56 layers."""
    return CifarResNet(9)


class Denoiser(nn.Module):
    """DnCNN (Zhang et al. 2017) in KAIR's layout; takes colour and averages the channels."""

    def __init__(self) -> None:
        super().__init__()
        steps: list[nn.Module] = [nn.Conv2d(1, 64, 3, 1, 1), nn.ReLU()]
        for _ in range(15):
            steps += [nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU()]
        self.model = nn.Sequential(*steps, nn.Conv2d(64, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the noise that the network sees; the denoised image would be the rest."""
        noise: Tensor = self.model(x.mean(1, keepdim=True))
        return noise


def dncnn() -> nn.Module:
    """Make a denoiser for grey images."""
    return Denoiser()
