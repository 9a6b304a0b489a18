"""The worked examples of docs/format.md are what the twin and the kernel compute."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dedup.config import SketchConfig
from dedup.kernels import native, reference, table
from dedup.kernels.native import Texts
from dedup.kernels.sketches import ONE_PERMUTATION

DOCUMENT = (Path(__file__).parents[1] / "docs" / "format.md").read_text("utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
TEXTS = [block for block in BLOCKS if isinstance(block, dict)]
PERMUTATIONS = [example for block in BLOCKS if isinstance(block, list) for example in block]


def hexadecimal(values: Any, digits: int = 16) -> list[str]:
    """Return numbers as the document writes them."""
    return [f"{int(value):0{digits}x}" for value in values]


def test_the_document_has_examples() -> None:
    """The document has texts whose shingles are of more than one token, and an example of each K-permutation scheme."""
    assert len(TEXTS) >= 2
    assert {len(example["tokens"]) - len(example["shingles"]) for example in TEXTS} == {1}
    assert {example["shingle_size"] for example in TEXTS} == {1, 2}
    assert {example["scheme"] for example in PERMUTATIONS} == set(native.PERMUTATION_SCHEMES)


@pytest.mark.parametrize("twin", [native, reference])
@pytest.mark.parametrize("example", TEXTS, ids=lambda example: example["text"])
def test_texts(example: dict[str, Any], twin: Any) -> None:
    """Tokens, hashes, shingles, digest, signature and band key of each text are those of the document."""
    text, size, seed = example["text"], example["shingle_size"], example["seed"]
    config = SketchConfig(shingle_size=size, num_slots=example["num_slots"], seed=seed)
    sketches = twin.sketch(Texts.from_strings([text]) if twin is native else [text], config)
    assert twin.tokens(text) == example["tokens"]
    assert hexadecimal(twin.token_hashes(text, seed)) == example["token_hashes"]
    assert hexadecimal(twin.shingle_hashes(text, size, seed)) == example["shingles"]
    assert hexadecimal([twin.digest(text, seed)]) == hexadecimal(sketches.digests) == [example["digest"]]
    assert hexadecimal(sketches.signatures[0], 8) == example["signature"]
    assert hexadecimal(twin.band_keys(sketches.signatures, *example["band"])) == [example["band_key"]]


@pytest.mark.parametrize("twin", [native, reference])
@pytest.mark.parametrize("example", PERMUTATIONS, ids=lambda example: example["scheme"])
def test_permutations(example: dict[str, Any], twin: Any) -> None:
    """The K-permutation signatures are those of the document."""
    dtype = np.uint32 if example["scheme"] == "affine32" else np.uint64
    found = twin.permutation_signatures(
        np.array(example["hashes"], np.uint64),
        np.array([0, len(example["hashes"])], np.int64),
        example["scheme"],
        np.array([example["multipliers"], example["increments"]], dtype),
    )
    assert found.tolist() == [example["signature"]]


def test_the_document_names_what_the_code_has() -> None:
    """Fold version, Unicode version, scheme name and constants stand in the document as in the code."""
    assert f"now **{table.FOLD_VERSION}**" in DOCUMENT
    assert "Unicode **{}.{}**".format(*table.load().unicode_version) in DOCUMENT
    assert f"`{ONE_PERMUTATION}`" in DOCUMENT
    assert f"{reference.BASE:X}" in DOCUMENT
    assert f"a power of two from {16} to {4096}" in DOCUMENT
