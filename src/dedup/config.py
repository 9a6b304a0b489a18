"""The settings of a run: frozen, keyword-only, checked when made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from dedup import _validate
from dedup.errors import InvalidArgumentError

Linkage = Literal["canonical", "components"]
Cleaning = Literal["auto", "pages", "off"]
KeepRule = Literal["sources", "wire", "published", "longest"]
#: Takes an `Article` and returns what orders it: the smaller is kept first.
KeepKey = Callable[[Any], Any]

KEEP_RULES: tuple[KeepRule, ...] = ("sources", "wire", "published", "longest")

#: The largest seed: seeds are unsigned 64-bit numbers.
MAX_SEED = 2**64 - 1

#: The largest shingle, in words.
MAX_SHINGLE_SIZE = 64


def _set(config: object, name: str, value: object) -> None:
    """Keep a value as the check returned it, such as an int where NumPy's came."""
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
class KeepPolicy:
    """Which documents of a cluster are kept, and when dropping many is worth a word.

    The policy is a total order of the documents: each rule decides where those before it are even, and the id, as
    text, decides last. The first of a story is kept, whatever it is: no policy can drop the last copy.

    Args:
        order: The rules, each at most once; none leaves it to the id. "sources": the list below. "wire": a wire
            agency's own copy, then texts that open with an agency's credit. "published": the earliest; a day without a
            time comes after the times of that day, and what is unknown or impossible comes last. "longest": the most
            tokens of clean text.
        sources: Outlets, best first, none of them blank; all others come after them. Capitals and spaces around and
            between words do not count.
        key: A function that decides before `order`: it takes an `Article` and returns a value, the smaller the better.
            It is asked once for each document; where its values are equal, `order` decides.
        min_keep: How many documents of each cluster are kept, at least 1: the canonical one and the next in this order.
        alarm_share: A source of which a run drops a larger share raises an alarm, in [0, 1]; None for no alarm.
        alarm_documents: Least number of documents of a source that can raise one.

    Raises:
        InvalidArgumentError: A value is outside what is allowed.
    """

    order: tuple[KeepRule, ...] = KEEP_RULES
    sources: tuple[str, ...] = ()
    key: KeepKey | None = None
    min_keep: int = 1
    alarm_share: float | None = 0.8
    alarm_documents: int = 20

    def __post_init__(self) -> None:
        _set(self, "order", _names("order", self.order))
        for rule in self.order:
            _validate.choice("order", rule, KEEP_RULES)
        _set(self, "sources", _names("sources", self.sources))
        if not (self.key is None or callable(self.key)):
            raise InvalidArgumentError(f"key must be a function of an Article or None. Got {self.key!r}.")
        _set(self, "min_keep", _validate.integer("min_keep", self.min_keep, least=1))
        if self.alarm_share is not None:
            _set(self, "alarm_share", _validate.fraction("alarm_share", self.alarm_share, zero=True))
        _set(self, "alarm_documents", _validate.integer("alarm_documents", self.alarm_documents, least=1))


def folded(source: str) -> str:
    """Return the name of a source in the form in which two are compared: small letters, single spaces."""
    return " ".join(source.split()).casefold()


def _names(name: str, value: object) -> tuple[str, ...]:
    """Return several texts as a tuple; each may be there once, and none is blank."""
    texts = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else None
    if texts is None or not all(isinstance(text, str) for text in texts):
        raise InvalidArgumentError(f"{name} must be a sequence of str. Got {value!r}.")
    if not all(map(folded, texts)):
        raise InvalidArgumentError(f"{name} must be a sequence of names that are not blank. Got {value!r}.")
    if len({folded(text) for text in texts}) < len(texts):
        raise InvalidArgumentError(f"{name} must be a sequence of different names. Got {value!r}.")
    return texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(SketchConfig):
    """What a run depends on; the same documents and the same config give the same clusters.

    Args:
        threshold: Least Jaccard similarity of a `duplicate`, in (0, 1].
        containment: Least share of the smaller text that lies in the larger one of an `excerpt`, in (0, 1].
            None stands for `threshold` + 0.05, at most 1.
        overlap: Least share of the smaller text in the larger one for a pair to be reported as `overlap`, in (0, 1].
        min_passage: Words in a row that are enough for an `overlap`, whatever their share of the texts; of a script
            written without spaces, twice as many characters. Above `exhaustive` texts, 40 words are found in nine of
            ten cases, 60 in nearly all, fewer in fewer, and what more than eight texts share with the first two only;
            `shingle_size` and less is never enough.
        min_excerpt: Least number of shingles in the smaller text of an `excerpt` or `overlap`: below, a text is
            too short for its containment to mean anything.
        recall: Least probability that a pair exactly at `threshold` is found, in (0, 1).
        linkage: "canonical": each member is linked to its cluster's canonical. "components": connected components.
        clean: "auto" removes page furniture before comparing, what repeats in the texts of an outlet included; "pages"
            only what each text shows by itself, whatever comes with it; "off" takes each text as it is.
        exhaustive: Up to this many distinct texts, every pair is compared; above, pairs that share a band or enough
            of their sampled shingles.
        bucket_limit: Size above which the texts that share a band or a sampled shingle are paired through the first
            of them in keep order instead of all with all, at least 2.
        keep: Which documents of a cluster are kept.
        large_cluster: Size above which a cluster is counted, and warned of, as one to look at.
        threads: Worker threads; None stands for one per processor. Never changes a result.

    Raises:
        InvalidArgumentError: A value is outside what is allowed.
    """

    threshold: float = 0.5
    containment: float | None = None
    overlap: float = 0.25
    min_passage: int = 40
    min_excerpt: int = 30
    recall: float = 0.99
    linkage: Linkage = "canonical"
    clean: Cleaning = "auto"
    exhaustive: int = 256
    bucket_limit: int = 64
    keep: KeepPolicy = field(default_factory=KeepPolicy)
    large_cluster: int = 1000
    threads: int | None = None

    def __post_init__(self) -> None:
        # dataclass(slots=True) makes a new class, so super() without arguments would not find it.
        SketchConfig.__post_init__(self)
        _set(self, "threshold", _validate.fraction("threshold", self.threshold))
        if self.containment is not None:
            _set(self, "containment", _validate.fraction("containment", self.containment))
        _set(self, "overlap", _validate.fraction("overlap", self.overlap))
        _set(self, "min_passage", _validate.integer("min_passage", self.min_passage, least=1))
        _set(self, "min_excerpt", _validate.integer("min_excerpt", self.min_excerpt, least=1))
        _set(self, "recall", _validate.fraction("recall", self.recall, one=False))
        _validate.choice("linkage", self.linkage, ("canonical", "components"))
        _validate.choice("clean", self.clean, ("auto", "pages", "off"))
        _set(self, "exhaustive", _validate.integer("exhaustive", self.exhaustive))
        _set(self, "bucket_limit", _validate.integer("bucket_limit", self.bucket_limit, least=2))
        if not isinstance(self.keep, KeepPolicy):
            raise InvalidArgumentError(f"keep must be a KeepPolicy. Got {self.keep!r}.")
        _set(self, "large_cluster", _validate.integer("large_cluster", self.large_cluster, least=1))
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
    """The keywords of `Config`, for functions that take them one by one; for `keep` its `key` alone will do."""

    shingle_size: int
    num_slots: int
    seed: int
    threshold: float
    containment: float | None
    overlap: float
    min_passage: int
    min_excerpt: int
    recall: float
    linkage: Linkage
    clean: Cleaning
    exhaustive: int
    bucket_limit: int
    keep: KeepPolicy | KeepKey
    large_cluster: int
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
    keep: object = settings.get("keep", Config().keep)
    if not isinstance(keep, KeepPolicy):
        # The class itself can be called too, but is no key.
        if keep is KeepPolicy or not callable(keep):
            raise InvalidArgumentError(f"keep must be a KeepPolicy or a function of an Article. Got {keep!r}.")
        settings = {**settings, "keep": KeepPolicy(key=keep)}
    return Config(**settings)  # type: ignore[arg-type]  # what is no policy was turned into one, or is refused
