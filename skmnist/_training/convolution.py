"""Convolutions, without a fault of oneDNN's."""

from torch import nn
from torch.nn import functional as F


class Conv2d(nn.Conv2d):
    """A convolution whose stride is taken first where its kernel is a single pixel.

    Else oneDNN, on an x86 processor, writes beyond its memory in the gradient of the
    weights, if there are few channels, in channels-last: the training crashes, or goes
    on with wrong weights (uxlfoundation/oneDNN issue 6035, which torch 2.13 has).
    """

    def forward(self, input):
        """Convolve images (n, channels, height, width)."""
        if self.kernel_size != (1, 1) or self.stride == (1, 1):
            return super().forward(input)
        if any(self.padding):
            height, width = self.padding
            input = F.pad(input, (width, width, height, height))
        rows, columns = self.stride
        return F.conv2d(input[:, :, ::rows, ::columns], self.weight, self.bias)
