"""Networks in NumPy: their description and forward pass, training by backpropagation, work shared among threads."""

from uqcore.networks.forward import (
    HEAD,
    NETWORKS,
    Conv,
    Dense,
    Flatten,
    Layer,
    Network,
    choose,
    convolve,
    features,
    head,
    layer_means,
    logits,
    output_shapes,
    residual_network,
    thin,
)

__all__ = [
    "HEAD",
    "NETWORKS",
    "Conv",
    "Dense",
    "Flatten",
    "Layer",
    "Network",
    "choose",
    "convolve",
    "features",
    "head",
    "layer_means",
    "logits",
    "output_shapes",
    "residual_network",
    "thin",
]
