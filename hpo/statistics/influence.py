"""Influence of single frames on the mIoU of all."""

import numpy as np

from segada.metrics import Areas, Floats


def frame_influence(areas: Areas) -> Floats:
    """Returns by how much each frame moves the mIoU of all frames, [frames], so that the mean over frames is 0.

    mIoU is the mean over classes of I / U, of areas summed over frames. To first order, other frames move it by the
    mean of their influences: of frame t, n times the mean over the labelled classes of (i_t - I / U u_t) / U.

    Args:
        areas: Areas of the frames, [frames, 3, classes].
    """
    intersection, predicted, labelled = np.moveaxis(areas.astype(np.float64), 1, 0)
    union = predicted + labelled - intersection
    known = labelled.sum(axis=0) > 0
    if not known.any():
        return np.zeros(len(areas))
    part, whole = intersection[:, known], union[:, known]
    total = whole.sum(axis=0)
    moved = (part - part.sum(axis=0) / total * whole) / total
    return np.asarray(len(areas) * moved.mean(axis=1), dtype=np.float64)
