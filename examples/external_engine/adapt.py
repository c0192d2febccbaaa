"""Adapts a small network to other weather by its own predictions. It knows nothing of the search around it."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from torch.nn import BatchNorm2d, Conv2d, ReLU, Sequential, functional


def frames(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Reads images [N,3,H,W] and labels [N,H,W], where 255 is ignored."""
    images = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.jpg"))])
    labels = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])
    return torch.tensor(images).permute(0, 3, 1, 2) / 255, torch.tensor(labels).long()


def train(network: Sequential, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    loss = functional.cross_entropy(network.train()(images), labels, ignore_index=255, reduction="sum")
    optimizer.zero_grad()
    (loss / labels.numel()).backward()
    optimizer.step()


def areas(network: Sequential, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Counts the pixels [N,3,19] of each frame and class: in the intersection, predicted, labelled."""
    with torch.no_grad():
        found = network.eval()(images).argmax(1).masked_fill(labels == 255, 255)
    predicted, labelled = (torch.stack([one == k for k in range(19)], -1).flatten(1, 2) for one in (found, labels))
    return torch.stack([(predicted & labelled).sum(1), predicted.sum(1), labelled.sum(1)], 1).numpy()


parser = argparse.ArgumentParser()
parser.add_argument("settings", type=Path)
parser.add_argument("--work-dir", type=Path)
parser.add_argument("--seed", type=int)
parser.add_argument("--split", default="val")
options = parser.parse_args()
settings = yaml.safe_load(options.settings.read_text())
source, adapt, data = settings["source"], settings["adapt"], Path(settings["data"])
torch.manual_seed(options.seed)
network = Sequential(*(Conv2d(3, 32, 5, padding=2), BatchNorm2d(32), ReLU(), Conv2d(32, 19, 5, padding=2)))
images, labels = frames(data / "clear" / "source")
optimizer, counts = torch.optim.Adam(network.parameters(), lr=source["lr"]), {}
for _ in range(source["steps"]):
    chosen = torch.randint(len(images), (4,))
    train(network, optimizer, images[chosen], labels[chosen])
optimizer.param_groups[0]["lr"], network[1].momentum = adapt["lr"], adapt["momentum"]
for number, domain in enumerate(settings["visits"]):
    images, certain = frames(data / domain / "adapt")[0], []
    for batch in images.split(4):
        share, pseudo = network.eval()(batch).softmax(1).max(1)
        certain.append(float((share >= adapt["threshold"]).float().mean()))
        train(network, optimizer, batch, pseudo.masked_fill(share < adapt["threshold"], 255))
    counts[f"visit{number}"] = areas(network, *frames(data / domain / options.split))
    np.savez(options.work_dir / "areas.npz", **counts)
    both, predicted, labelled = counts[f"visit{number}"].sum(0)
    miou = (both / (predicted + labelled - both).clip(1))[labelled > 0].mean()
    line = {"domain": domain, "frames": len(images), "miou": float(miou), "certain": float(np.mean(certain))}
    with (options.work_dir / "visits.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
