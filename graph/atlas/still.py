"""This file knows the map as a still picture: a PNG for where the map itself cannot be drawn, and the colours of both."""

from __future__ import annotations

import colorsys
import struct
import zlib

import numpy as np

from graph.groups import Array

SHADES = 8  # of each continent; 0 is for models without relatives
PAPER = (11, 14, 21)
_GLOW = 4.0  # times as dense as on average is nearly full


def palette() -> Array:
    """(256, 3) uint8: the colour of ``continent * SHADES + shade``. Neighbours among continents differ by the golden angle."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    for code in range(256):
        continent, shade = divmod(code, SHADES)
        hue = ((continent * 137.508 + (shade - 4) * 7) % 360) / 360
        light, strong = (0.34, 0.22) if shade == 0 else (0.44 + 0.045 * shade, 0.58)
        colours[code] = [round(255 * part) for part in colorsys.hls_to_rgb(hue, light, strong)]
    return colours


def still(x: Array, y: Array, code: Array, side: int) -> bytes:
    """A square PNG of points from 0 to 65,535, brighter where they lie dense."""
    pixel = (y.astype(np.int64) * side >> 16) * side + (x.astype(np.int64) * side >> 16)
    dense = np.bincount(pixel, minlength=side * side)
    full = min(3.0, max(0.5, _GLOW * len(x) / (side * side)))
    share = 1 - np.exp(-dense / full)
    colours = palette()
    picture = np.empty((side * side, 3), dtype=np.uint8)
    for channel in range(3):
        total = np.bincount(pixel, weights=colours[code, channel], minlength=side * side)
        mean = np.divide(total, dense, out=np.zeros(len(total)), where=dense > 0)
        picture[:, channel] = np.round(PAPER[channel] * (1 - share) + mean * share)
    return png(picture.reshape(side, side, 3))


def png(picture: Array) -> bytes:
    """A PNG file of (height, width, 3) uint8."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + width * 3), dtype=np.uint8)  # each line begins with its filter: none
    rows[:, 1:] = picture.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
