"""The hourly weather of Beijing that the weather RNN learns from: found or downloaded, read, cut and standardised.

Chen, S. (2015), Beijing PM2.5, UCI Machine Learning Repository, doi:10.24432/C5JS49, CC BY 4.0. The lab downloads a
copy of that file; we do so once, or take the copy that the environment variable GRADPROOF_WEATHER names.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from gradproof.errors import NotRun
from gradproof.loading import CannotLoad

Array = np.ndarray

VARIABLE = "GRADPROOF_WEATHER"
NAME = "pollution.csv"
URL = f"https://raw.githubusercontent.com/jbrownlee/Datasets/master/{NAME}"
SHA256 = "892e9559205d16d32623135c127a3951c12e46ea1e0b3093e107ce89a9fd60e2"
SHA256_WITH_LAST_LINE_END = "4127f868775e31b3956522adc0ec75af8937dde6a3896e8beed3a376c6d27f1c"
"""The same file: copies differ in whether the last line has an end."""
TIMEOUT = 20
"""Seconds to wait for the server."""

COLUMNS = ("No", "year", "month", "day", "hour", "pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")
DATE = ("year", "month", "day", "hour")
FEATURES = ("DEWP", "TEMP", "PRES", "Iws", "Is", "Ir")
"""Dew point and temperature in °C, pressure in hPa, cumulated wind speed in m/s, cumulated hours of snow and rain."""
TEMP = FEATURES.index("TEMP")

DAY = 24
ROWS = 43000
"""The lab takes the first so many rows of the file, and of those the whole days."""


# Where the file is ---------------------------------------------------------------------------------------------------


def found() -> Path:
    """The file that GRADPROOF_WEATHER names, itself or by its folder, else the downloaded one.

    Raises NotRun, with the way out, where there is none or it is another.
    """
    named = os.environ.get(VARIABLE)
    return downloaded() if not named else own_copy(Path(named))


def own_copy(place: Path) -> Path:
    path = place / NAME if place.is_dir() else place
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotRun(
            f"{VARIABLE}: there is no {path}; it must be {NAME} or its folder, or be unset: then it is downloaded"
        ) from None
    except OSError as error:
        raise NotRun(f"{VARIABLE}: {path} cannot be read: {error}") from error
    if (sha256 := hashlib.sha256(content).hexdigest()) not in (SHA256, SHA256_WITH_LAST_LINE_END):
        raise NotRun(
            f"{VARIABLE}: {path} is damaged or another file: its SHA-256 is {sha256[:12]}..., not {SHA256[:12]}...;"
            f" put a good copy there, or unset {VARIABLE}: then it is downloaded"
        )
    return path


def downloaded(url: str = URL, folder: Path | None = None) -> Path:
    """The file in the user's cache, or in ``folder``; it is downloaded if it is not there or is damaged.

    Nothing but the whole file, with the right checksum, ever stands there. Raises NotRun.
    """
    try:
        import pooch
    except ImportError:
        raise NotRun(
            f"{NAME} would be downloaded with pooch, which is not installed; install it, or set {VARIABLE} to the"
            " folder with the file"
        ) from None
    try:
        path = pooch.retrieve(
            url,
            known_hash=f"sha256:{SHA256}",
            fname=NAME,
            path=folder or pooch.os_cache("gradproof"),
            downloader=without_last_line_end,
        )
    except (OSError, ValueError) as error:  # no network, a cut connection, a full disk; another checksum
        raise NotRun(
            f"{NAME} cannot be downloaded from {url} ({type(error).__name__}: {shorten(str(error), 100)});"
            f" set {VARIABLE} to the folder with the file"
        ) from error
    return Path(path)


def without_last_line_end(url: str, path: str, pooch: Any) -> None:
    """Download in the form that has one checksum, whichever form the server has; pooch then compares it."""
    from pooch import HTTPDownloader

    HTTPDownloader(timeout=TIMEOUT)(url, path, pooch)
    Path(path).write_bytes(Path(path).read_bytes().removesuffix(b"\r\n"))


# What is in it -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of the file. hours: when each was taken. features: (rows, 6), in the order of FEATURES."""

    hours: Sequence[datetime]
    features: Array

    def __len__(self) -> int:
        return len(self.features)

    def as_in_the_lab(self) -> Table:
        """The first 43000 rows, cut to whole days."""
        rows = min(len(self), ROWS)
        rows -= rows % DAY
        return Table(self.hours[:rows], self.features[:rows])


def read(path: Path) -> Table:
    """The hours and the six features of a file of this form. Raises CannotLoad, which names the line."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        if missing := [name for name in (*DATE, *FEATURES) if name not in header]:
            raise CannotLoad(f"{path}: the first line names no column {', '.join(missing)}")
        date = [header.index(name) for name in DATE]
        taken = [header.index(name) for name in FEATURES]
        hours, features = [], []
        for line in lines:
            try:
                year, month, day, hour = (int(line[k]) for k in date)
                hours.append(datetime(year, month, day, hour))
                features.append([float(line[k]) for k in taken])
            except (IndexError, ValueError) as error:
                raise CannotLoad(f"{path}, line {lines.line_num}: {error}") from error
    return Table(hours, np.array(features).reshape(-1, len(FEATURES)))


@dataclass(frozen=True, eq=False)
class Weather:
    """The rows to train with and to test on, (hours, 6), standardised by the training rows' mean and std, (6,)."""

    train: Array
    test: Array
    mean: Array
    std: Array

    @classmethod
    def of(cls, table: Table) -> Weather:
        """Split by days, the last 20 % to test on.

        The lab's template standardises by the whole data set, which lets the training see a little of the test part;
        the losses are the same to two digits.
        """
        rows = len(table) // DAY * 4 // 5 * DAY
        train, test = table.features[:rows], table.features[rows:]
        if min(len(train), len(test)) <= DAY:
            raise CannotLoad(f"{len(table)} rows are too few to train with and to test on")
        mean, std = np.mean(train, axis=0), np.std(train, axis=0)
        if constant := [name for name, spread in zip(FEATURES, std, strict=True) if spread == 0]:
            raise CannotLoad(f"{', '.join(constant)} never changes in the training rows, and cannot be standardised")
        return cls((train - mean) / std, (test - mean) / std, mean, std)

    def celsius(self, temperature: Array) -> Array:
        """Standardised temperatures in °C."""
        return temperature * self.std[TEMP] + self.mean[TEMP]


def windows(rows: Array) -> tuple[Array, Array]:
    """Every 24 rows in sequence, (N, 24, 6), and the temperature of the hour after them, (N,): N rows less 24."""
    x = np.lib.stride_tricks.sliding_window_view(rows[:-1], DAY, axis=0)
    return np.moveaxis(x, -1, 1), rows[DAY:, TEMP]


def weather() -> Weather:
    """The real file as the lab takes it. Raises NotRun where it is not to be had."""
    return Weather.of(read(found()).as_in_the_lab())


# A file of the same form ---------------------------------------------------------------------------------------------


def generate(path: Path, days: int, rng: np.random.Generator) -> Path:
    """Write a file of the same form with weather that never was: a yearly and a daily wave, and noise that lingers.

    It begins in March, when there may be snow and rain. Like the real one it has CRLF between the lines and none at the
    end, and NA in pm2.5 only.
    """
    N = days * DAY
    t = np.arange(N)
    start = datetime(2010, 3, 1)
    since_january = t + (start - datetime(2010, 1, 1)) // timedelta(hours=1)
    season, sun = -np.cos(2 * np.pi * since_january / (365 * DAY)), -np.cos(2 * np.pi * (t - 3) / DAY)
    temperature = 12 + 14 * season + 4 * sun + lingering(N, 3, rng)
    dew_point = temperature - 8 - 2 * sun - np.abs(lingering(N, 4, rng))
    pressure = 1016 - 9 * season + lingering(N, 4, rng)
    turns = rng.random(N) < 0.15
    direction = rng.choice(["NW", "NE", "SE", "cv"], size=N)[np.maximum.accumulate(np.where(turns, t, 0))]
    wind = cumulated(rng.gamma(2, 1.5, N), ~turns)
    wet = lingering(N, 1, rng) > 1
    snow, rain = (cumulated(np.ones(N), wet & cold) * wet * cold for cold in (temperature < 4, temperature >= 4))
    pollution = np.where((t < DAY) | (rng.random(N) < 0.05), "NA", rng.gamma(2, 50, N).astype(int).astype(str))
    lines = [",".join(COLUMNS)]
    for k in range(N):
        hour = start + timedelta(hours=k)
        lines.append(
            f"{k + 1},{hour.year},{hour.month},{hour.day},{hour.hour},{pollution[k]},{dew_point[k]:.0f},"
            f"{temperature[k]:.0f},{pressure[k]:.0f},{direction[k]},{wind[k]:.2f},{snow[k]:.0f},{rain[k]:.0f}"
        )
    path.write_bytes("\r\n".join(lines).encode())
    return path


def lingering(length: int, std: float, rng: np.random.Generator) -> Array:
    """Noise that keeps 95 % of itself from hour to hour."""
    noise = rng.normal(0, std, length)
    for k in range(1, length):
        noise[k] = 0.95 * noise[k - 1] + np.sqrt(1 - 0.95**2) * noise[k]
    return noise


def cumulated(each: Array, goes_on: Array) -> Array:
    """The sum of ``each`` since it last began anew, which it does wherever it does not go on."""
    sums = np.array(each, dtype=float)
    for k in range(1, len(sums)):
        if goes_on[k]:
            sums[k] += sums[k - 1]
    return sums
