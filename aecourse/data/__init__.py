"""Data sets: images, patches of photographs, shapes, manifolds, a pendulum, a table.

Only ``load_images(name)`` downloads anything.
"""

from aecourse.data.cell_nuclei import CellNuclei, load_cell_nuclei
from aecourse.data.images import NAMES, DataError, Images, dataset_name, load_images
from aecourse.data.manifolds import Points, embed, sphere, swiss_roll
from aecourse.data.pendulum import (
    Pendulum,
    make_pendulum,
    pendulum_energy,
    render_pendulum,
    simulate_pendulum,
)
from aecourse.data.photos import Patches, photo_patches, photographs
from aecourse.data.planted_dictionary import PlantedDictionary, make_planted_dictionary
from aecourse.data.shapes import Shapes, draw_shapes, factor_values, make_shapes

__all__ = [
    "CellNuclei",
    "DataError",
    "Images",
    "NAMES",
    "Patches",
    "Pendulum",
    "PlantedDictionary",
    "Points",
    "Shapes",
    "dataset_name",
    "draw_shapes",
    "embed",
    "factor_values",
    "load_cell_nuclei",
    "load_images",
    "make_pendulum",
    "make_planted_dictionary",
    "make_shapes",
    "pendulum_energy",
    "photo_patches",
    "photographs",
    "render_pendulum",
    "simulate_pendulum",
    "sphere",
    "swiss_roll",
]
