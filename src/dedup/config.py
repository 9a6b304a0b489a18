"""The settings of a run: frozen, keyword-only, checked when made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from dedup import _validate
from dedup.errors import InvalidArgumentError

Linkage = Literal["canonical", "components"]
Cleaning = Literal["auto", "off"]

#: The largest seed: seeds are unsigned 64-bit numbers.
MAX_SEED = 2**64 - 1

#: The largest shingle, in words.
MAX_SHINGLE_SIZE = 64


def _set(config: object, name: str, value: float) -> None:
    """Keep a value as the check returned it: an int or a float, also where NumPy's came."""
    object.__setattr__(config, name, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class SketchConfig:
    """What a signature depends on; two signatures compare only when all of it is equal.

    Args:
        shingle_size: Words per shingle; scripts written without spaces take twice as many characters.
        num_slots: Slots of a signature (the K of the literature), a power of two in [16, 4096].
        seed: Seed of the token hash, in [0, 2**64).

    Raises:
        InvalidArgumentError: A value is outside what is allowed.
    """

    shingle_size: int = 3
    num_slots: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        _set(self, "shingle_size", _validate.integer("shingle_size", self.shingle_size, least=1, most=MAX_SHINGLE_SIZE))
        _set(self, "num_slots", _validate.power_of_two("num_slots", self.num_slots, least=16, most=4096))
        _set(self, "seed", _validate.integer("seed", self.seed, most=MAX_SEED))


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(SketchConfig):
    """What a run depends on; the same documents and the same config give the same clusters.

    Args:
        threshold: Least Jaccard similarity of a `duplicate`, in (0, 1].
        containment: Least share of the smaller text that lies in the larger one of an `excerpt`, in (0, 1].
            None stands for `threshold` + 0.05, at most 1.
        overlap: Least share of the smaller text in the larger one for a pair to be reported as `overlap`, in (0, 1].
        min_excerpt: Least number of shingles in the smaller text of an `excerpt` or `overlap`: below, a text is
            too short for its containment to mean anything.
        recall: Least probability that a pair exactly at `threshold` is found, in (0, 1).
        linkage: "canonical": each member is linked to its cluster's canonical. "components": connected components.
        clean: "auto" removes page furniture before comparing; "off" takes each text as it is.
        exhaustive: Up to this many distinct texts, every pair is compared; above, pairs that share a band or enough
            of their sampled shingles.
        bucket_limit: Size above which the texts that share a band or a sampled shingle are paired through the first
            of them in keep order instead of all with all, at least 2.
        threads: Worker threads; None stands for one per processor. Never changes a result.

    Raises:
        InvalidArgumentError: A value is outside what is allowed.
    """

    threshold: float = 0.5
    containment: float | None = None
    overlap: float = 0.25
    min_excerpt: int = 30
    recall: float = 0.99
    linkage: Linkage = "canonical"
    clean: Cleaning = "auto"
    exhaustive: int = 256
    bucket_limit: int = 64
    threads: int | None = None

    def __post_init__(self) -> None:
        # dataclass(slots=True) makes a new class, so super() without arguments would not find it.
        SketchConfig.__post_init__(self)
        _set(self, "threshold", _validate.fraction("threshold", self.threshold))
        if self.containment is not None:
            _set(self, "containment", _validate.fraction("containment", self.containment))
        _set(self, "overlap", _validate.fraction("overlap", self.overlap))
        _set(self, "min_excerpt", _validate.integer("min_excerpt", self.min_excerpt, least=1))
        _set(self, "recall", _validate.fraction("recall", self.recall, one=False))
        _validate.choice("linkage", self.linkage, ("canonical", "components"))
        _validate.choice("clean", self.clean, ("auto", "off"))
        _set(self, "exhaustive", _validate.integer("exhaustive", self.exhaustive))
        _set(self, "bucket_limit", _validate.integer("bucket_limit", self.bucket_limit, least=2))
        if self.threads is not None:
            _set(self, "threads", _validate.integer("threads", self.threads, least=1, most=1024))

    @property
    def containment_floor(self) -> float:
        """The containment in force: `containment`, or what follows from `threshold`."""
        if self.containment is not None:
            return self.containment
        # Rounded, so that 0.3 gives 0.35 and not the number before it.
        return min(1.0, round(self.threshold + 0.05, 9))


class Settings(TypedDict, total=False):
    """The keywords of `Config`, for functions that take them one by one."""

    shingle_size: int
    num_slots: int
    seed: int
    threshold: float
    containment: float | None
    overlap: float
    min_excerpt: int
    recall: float
    linkage: Linkage
    clean: Cleaning
    exhaustive: int
    bucket_limit: int
    threads: int | None


def configure(settings: Settings) -> Config:
    """Return the config of some keywords.

    Raises:
        InvalidArgumentError: A keyword is no field of `Config`, or a value is outside what is allowed.
    """
    known = Settings.__annotations__
    for name in settings:
        if name not in known:
            raise InvalidArgumentError(f"settings must be among {', '.join(known)}. Got {name!r}.")
    return Config(**settings)
