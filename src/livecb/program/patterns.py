"""Patterns: what a line of output says of a training: where it stands, how far it is, what it measured.

Pure: a line in, numbers out. Only names that are known to measure something are taken, and only numbers that
stand alone: no part of a date, a version, an address or a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from livecb import names
from livecb.errors import ValueRefused

__all__ = ["AXES", "Bar", "Found", "Pattern", "find", "parse_pattern"]

AXES = ("step", "batch", "epoch", "samples", "tokens")
_LONGEST = 2_000

_NUMBER = (
    r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d.])|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:nan|NaN|NAN|inf|Infinity)"
)
_STANDS_ALONE = r"(?![\w/]|[.:-]\d|\.\w|\s*[*+/]\s*\w)"
_METRIC = re.compile(
    r"(?<![\w./@?&-])['\"]?([A-Za-z_][\w./@-]*?(?: (?:rate|norm|score))?)['\"]?"  # a name
    r"(?:\s*[:=]\s*['\"]?|\s+(?=[-+]?\d*\.\d|[-+]?\d+(?:\.\d*)?e|nan\b|inf\b))"  # a space: a fraction
    rf"({_NUMBER})(?:( ?%)|/(\d+)\b(?!/)|{_STANDS_ALONE})"
)
_CONTEXT = re.compile(
    r"(?<![\w./-])(train(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?|dev|test(?:ing)?)(?![\w/=-])",
    re.IGNORECASE,
)
_CONTEXTS = {"tr": "train", "va": "val", "ev": "val", "de": "val", "te": "test"}
_PLACE = re.compile(
    r"(?<![\w./-])(global[_ ]step|step|iteration|iter|batch|epoch)\s*(?:[:=#]\s*)?(?:[\[(]\s*)?"
    rf"(\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?)(?:\s*(?:/|of)\s*(\d+))?(?:\s*[\])])?{_STANDS_ALONE}(?!%)(?:\s*\[\s*(\d+)/(\d+)\])?",
    re.IGNORECASE,
)
_BATCHES = re.compile(r"(?<![\w./-])(\d+)\s*/\s*(\d+)\s+batches\b")
_ROUND = re.compile(r"\[(\d+)\]\t")  # of boosting
_TQDM = re.compile(
    r"(?:(?P<label>[^|]*?):\s*)?\s*\d+%\|[^|]*\|\s*(?P<done>\d+)/(?P<total>\d+)\s*"
    r"\[[\d:]+<[\d:?]+,\s*(?P<rate>[^\],]*)(?P<said>[^\]]*)\]"
)
_KERAS = re.compile(r"\s*(?P<done>\d+)/(?P<total>\d+)\s+(?:\[[=>.]+\]|[━╸╺]+)(?P<said>.*)")
_RICH = re.compile(r"\s*(?P<label>\S[^━]*?)\s*[━╸╺]+\s+(?P<done>\d+)/(?P<total>\d+)(?P<said>\s.*)")
_DICT = re.compile(r"\{[^{}]*:[^{}]*\}")
_ITEM = re.compile(rf"['\"]([A-Za-z_][\w./@ -]*)['\"]\s*:\s*['\"]?({_NUMBER})['\"]?\s*(?=[,}}])")
# What says how the loop goes, beside what names.goal knows to measure something.
_OF_THE_LOOP = frozenset({"lr", "learning_rate", "grad_norm", "gradient_norm", "entropy", "momentum"})
_WHOLE_IS_NONE = re.compile(
    r"(?:^|_)err(?:or)?s?$|^(?:hit|hits|match|map|return|win|ap|em|ce|kl)$", re.IGNORECASE
)


class Bar(NamedTuple):
    """A progress bar: units done, units in all, what a unit is, and what stands before the bar."""

    done: int
    total: int
    unit: str
    label: str


class Found(NamedTuple):
    """What a line says.

    Attributes:
        values: Numbers by name, by the context they were measured in.
        places: Where the training stands, by axis.
        totals: How much there is to do, by axis.
        bar: How far it is.
    """

    values: dict[str | None, dict[str, float]]
    places: dict[str, float]
    totals: dict[str, int]
    bar: Bar | None


class Pattern(NamedTuple):
    """A pattern of the user's own: what its first group matches is a value of that name."""

    name: str
    expression: re.Pattern[str]


def parse_pattern(text: str) -> Pattern:
    """Return a pattern from `NAME=REGEX`.

    Raises:
        ValueRefused: It is none; the message says what to do instead.
    """
    name, equals, expression = text.partition("=")
    if not equals or not name.strip() or not expression:
        raise ValueRefused(f"expected NAME=REGEX, as 'loss=loss: ([0-9.]+)', got {text!r}")
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise ValueRefused(f"{expression!r} is no regular expression: {error}") from error
    if compiled.groups < 1:
        raise ValueRefused(f"{expression!r} has no group: put parentheses around the number")
    return Pattern(name.strip(), compiled)


def find(line: str, own: Sequence[Pattern] = (), *, common: bool = True) -> Found:
    """Return what a line says.

    Args:
        line: As the terminal shows it.
        own: The user's patterns; what one finds goes before what the common ones find under its name.
        common: Whether to look for the common ones, too.

    Raises:
        ValueRefused: What the user's pattern matched is no number.
    """
    found = Found({}, {}, {}, None)
    line = line[:_LONGEST]
    if common:
        found = _find_dict(line) if _DICT.fullmatch(line.strip()) else _find_common(line)
    for name, value in _find_own(line, own):
        if name in AXES:
            found.places[name] = value
            continue
        for values in found.values.values():
            values.pop(name, None)
        found.values.setdefault(None, {})[name] = value
    return found


def _find_common(line: str) -> Found:
    bar, said, label = _find_bar(line)
    places, totals, more = _find_places(label)
    text = _PLACE.sub(lambda place: " " * len(place[0]), label) + said
    return Found(_find_values(text), places, totals, bar or more)


def _find_bar(line: str) -> tuple[Bar | None, str, str]:
    """Return a bar, what is said behind it and what stands before it: all, where there is none."""
    if "%|" in line and (tqdm := _TQDM.search(line)):
        label = (tqdm["label"] or "").strip()
        found = re.search(r"[\d?.]+\s*([A-Za-z]+)/s|s/([A-Za-z]+)", tqdm["rate"])
        unit = (found and (found[1] or found[2])) or "it"
        return Bar(int(tqdm["done"]), int(tqdm["total"]), unit, label), tqdm["said"], label
    if keras := _KERAS.match(line):
        return Bar(int(keras["done"]), int(keras["total"]), "step", ""), keras["said"], ""
    if "━" in line and (rich := _RICH.match(line)):
        return Bar(int(rich["done"]), int(rich["total"]), "step", rich["label"]), rich["said"], rich["label"]
    return None, "", line


def _find_places(text: str) -> tuple[dict[str, float], dict[str, int], Bar | None]:
    places: dict[str, float] = {}
    totals: dict[str, int] = {}
    within: Bar | None = None
    for match in _PLACE.finditer(text):
        word = match[1].lower().replace(" ", "_")
        number = _float(match[2])
        if "best" in text[: match.start()].lower():  # where it was best, not where it is
            continue
        if word == "epoch":
            places["epoch"] = number
            if match[3]:
                totals["epochs"] = int(match[3])
            if match[5]:  # Epoch: [3][10/100]
                within = Bar(int(match[4]), int(match[5]), "batch", "epoch")
        elif number != int(number):
            continue
        elif word == "global_step" or not match[3]:
            places["batch" if word == "batch" else "step"] = int(number)
        else:
            within = Bar(int(number), int(match[3]), "batch" if word == "batch" else "step", word)
    if batches := _BATCHES.search(text):
        within = Bar(int(batches[1]), int(batches[2]), "batch", "epoch")
    if rounds := _ROUND.match(text):
        places["step"] = int(rounds[1])
    return places, totals, within


def _find_values(text: str) -> dict[str | None, dict[str, float]]:
    values: dict[str | None, dict[str, float]] = {}
    contexts = [(match.start(), _CONTEXTS[match[1][:2].lower()]) for match in _CONTEXT.finditer(text)]
    for match in _METRIC.finditer(text):
        name, number = _name_of(match[1]), match[2]
        whole = number.lstrip("+-").isdecimal()
        if name is None or (whole and _WHOLE_IS_NONE.search(name)):
            continue
        value = _float(number)
        if match[3]:
            value /= 100
        elif match[4]:  # 93/100
            if not whole or not 0 <= value <= float(match[4]) or names.goal(name) != "max":
                continue
            value /= float(match[4]) or 1.0
        context = next((said for at, said in reversed(contexts) if at < match.start()), None)
        values.setdefault(context, {})[name] = value
    return values


def _find_dict(line: str) -> Found:
    """Return what transformers prints, and lines of JSON: all numbers, where one is of a training."""
    items = {name: float(number) for name, number in _ITEM.findall(line)}
    if not any(name in ("epoch", "step", "global_step") or names.goal(name) for name in items):
        return Found({}, {}, {}, None)  # settings
    places: dict[str, float] = {}
    for axis, words in {
        "epoch": ("epoch",),
        "step": ("global_step", "step"),
        "tokens": ("num_tokens",),
    }.items():
        for word in words:
            if word in items and items[word] == items[word]:
                places.setdefault(axis, items.pop(word) if axis != "tokens" else items[word])
    return Found({None: items} if items else {}, places, {}, None)


def _find_own(line: str, own: Iterable[Pattern]) -> Iterable[tuple[str, float]]:
    for pattern in own:
        for match in pattern.expression.finditer(line):
            text = match[1]
            if text is None:
                continue
            try:
                yield (
                    pattern.name,
                    float(text.replace(",", "").rstrip("%")) / (100 if text.endswith("%") else 1),
                )
            except ValueError as error:
                raise ValueRefused(
                    f"--metric {pattern.name!r} matched {text!r}, which is no number: "
                    "put the parentheses around the number alone, as ([-+0-9.eE]+)"
                ) from error


def _float(text: str) -> float:
    return float(text.replace(",", ""))


def _name_of(said: str) -> str | None:
    """Return the name to record, None where it is not known to measure anything."""
    name = said.replace(" ", "_").strip("_-./")
    if name.lower() in _OF_THE_LOOP or names.goal(name) is not None:
        return name.lower() if name.istitle() or name.isupper() else name
    return None
