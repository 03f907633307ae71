"""The weather file is found, or downloaded whole or not at all, and read; what is wrong is named, with a way out."""

import hashlib
import http.server
import os
import sys
import threading
from datetime import datetime, timedelta

import numpy as np
import pytest

import reproductions.weather_data as weather_data
from gradproof.errors import NotRun
from gradproof.loading import CannotLoad
from implementations.recurrent import TANH
from reproductions.weather import initial, least_squares, predicted, repeating, train
from reproductions.weather_data import (
    COLUMNS,
    FEATURES,
    TEMP,
    VARIABLE,
    Table,
    Weather,
    downloaded,
    found,
    generate,
    read,
    windows,
)

needs_the_file = pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} does not name the weather file")


@pytest.fixture
def path(tmp_path):
    """A generated file of 60 days."""
    return generate(tmp_path / "generated.csv", 60, np.random.default_rng(0))


@pytest.fixture
def known(monkeypatch):
    """Take these bytes for the real file: ``known(content)``."""

    def take(content):
        monkeypatch.setattr(weather_data, "SHA256", hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(weather_data, "SHA256_WITH_LAST_LINE_END", hashlib.sha256(content + b"\r\n").hexdigest())
        return content

    return take


# One's own copy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"\r\n"], ids=["without a last line end", "with one"])
@pytest.mark.parametrize("named_by", ["folder", "file"])
def test_an_own_copy_is_named_by_itself_or_by_its_folder(named_by, end, tmp_path, known, monkeypatch):
    path = tmp_path / "pollution.csv"
    path.write_bytes(known(b"No,year") + end)
    monkeypatch.setenv(VARIABLE, str(tmp_path if named_by == "folder" else path))
    assert found() == path


def test_a_damaged_copy_is_named_with_the_way_out(tmp_path, known, monkeypatch):
    path = tmp_path / "pollution.csv"
    path.write_bytes(known(b"No,year")[:-1])
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(NotRun, match=r"pollution\.csv is damaged or another file.*unset GRADPROOF_WEATHER"):
        found()


@pytest.mark.parametrize("place", ["nowhere", ".", "nowhere/pollution.csv"])
def test_a_copy_that_is_not_there_is_named_with_the_way_out(place, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / place))
    with pytest.raises(NotRun, match=r"GRADPROOF_WEATHER: there is no .*be unset: then it is downloaded"):
        found()


# The download --------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    """A server on this machine: ``server.content`` is what it sends, after a promise of ``server.promised`` bytes."""
    pytest.importorskip("pooch", reason="pooch is not installed")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            served.requests += 1
            self.send_response(200)
            self.send_header("Content-Length", str(served.promised or len(served.content)))
            self.end_headers()
            self.wfile.write(served.content)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        served.requests, served.promised, served.content = 0, None, b""
        served.url = f"http://127.0.0.1:{served.server_port}/pollution.csv"
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.mark.parametrize("end", [b"", b"\r\n"], ids=["without a last line end", "with one"])
def test_it_is_downloaded_once_whichever_form_the_server_has(end, server, known, tmp_path):
    server.content = known(b"No,year") + end
    paths = {downloaded(server.url, tmp_path) for _ in range(3)}
    assert paths == {tmp_path / "pollution.csv"}
    assert server.requests == 1


def test_a_damaged_file_in_the_cache_is_downloaded_again(server, known, tmp_path):
    server.content = known(b"No,year")
    (tmp_path / "pollution.csv").write_bytes(b"No,ye")
    assert downloaded(server.url, tmp_path).read_bytes() == server.content


@pytest.mark.parametrize("promised", [None, 1000], ids=["other bytes", "a cut connection"])
def test_what_is_not_the_whole_file_never_stands_in_the_cache(promised, server, known, tmp_path):
    server.content, server.promised = known(b"No,year")[:-1], promised
    with pytest.raises(NotRun, match=r"cannot be downloaded from http.*set GRADPROOF_WEATHER"):
        downloaded(server.url, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_network_is_a_reason_and_no_crash(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(NotRun, match=r"cannot be downloaded from http.*set GRADPROOF_WEATHER"):
        downloaded(server.url, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_pooch_the_way_out_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(NotRun, match=r"pooch, which is not installed; install it, or set GRADPROOF_WEATHER"):
        found()


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_generated_file_has_the_form_of_the_real_one(path):
    lines = path.read_bytes().split(b"\r\n")
    assert lines[0] == ",".join(COLUMNS).encode()
    assert len(lines) == 1 + 60 * 24
    assert {line.split(b",").index(b"NA") for line in lines if b"NA" in line.split(b",")} == {COLUMNS.index("pm2.5")}


def test_generated_weather_has_a_daily_wave_and_lingers(path):
    temperature = read(path).features[:, TEMP]
    by_hour = temperature.reshape(-1, 24).mean(axis=0)
    assert 12 <= np.argmax(by_hour) <= 18
    assert np.corrcoef(temperature[:-1], temperature[1:])[0, 1] > 0.9


def test_a_file_is_read_by_the_names_of_its_columns(path):
    table = read(path)
    first = path.read_text().splitlines()[1].split(",")
    assert table.features[0].tolist() == [float(first[COLUMNS.index(name)]) for name in FEATURES]
    assert table.hours[:2] == [datetime(2010, 3, 1), datetime(2010, 3, 1, 1)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("TEMP", "temperature", "the first line names no column TEMP"),
        ("\r\n2,2010,3,1,1,NA,", "\r\n2,2010,3,1,1,NA,NA", "line 3: could not convert string to float"),
        ("\r\n2,2010,3,1,1,", "\r\n2,2010,13,1,1,", "line 3: month must be in 1..12"),
        ("\r\n2,2010,3,1,1,", "\r\n2,2010,3,1,1\r\n", "line 3: list index out of range"),
    ],
    ids=["column", "number", "date", "short line"],
)
def test_a_file_of_another_form_is_refused_with_the_line(old, new, message, path):
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    with pytest.raises(CannotLoad, match=message):
        read(path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(CannotLoad, match="names no column year, month"):
        read(path)


# Cutting and standardising -------------------------------------------------------------------------------------------


def table(rows, rng=None):
    rng = rng or np.random.default_rng(0)
    hours = [datetime(2010, 1, 1) + timedelta(hours=k) for k in range(rows)]
    return Table(hours, rng.normal(5, 3, (rows, len(FEATURES))))


@pytest.mark.parametrize(("rows", "taken"), [(43824, 42984), (43000, 42984), (49, 48), (48, 48), (23, 0)])
def test_the_lab_takes_43000_rows_and_of_those_whole_days(rows, taken):
    cut = table(rows).as_in_the_lab()
    assert (len(cut), len(cut.hours)) == (taken, taken)


def test_the_last_fifth_of_the_days_is_the_test_part():
    data = Weather.of(table(42984))
    assert (len(data.train), len(data.test)) == (34368, 8616)


def test_both_parts_are_standardised_by_the_training_part():
    whole = table(24 * 10)
    data = Weather.of(whole)
    assert data.train.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert data.train.std(axis=0) == pytest.approx(1)
    assert abs(data.test.mean(axis=0)).min() > 1e-6
    assert data.celsius(data.test[:, TEMP]) == pytest.approx(whole.features[-48:, TEMP])


def test_a_feature_that_never_changes_is_named():
    whole = table(24 * 10)
    whole.features[:, FEATURES.index("Is")] = 0
    with pytest.raises(CannotLoad, match="Is never changes"):
        Weather.of(whole)


def test_too_few_rows_are_refused():
    with pytest.raises(CannotLoad, match="24 rows are too few"):
        Weather.of(table(24))


def test_a_window_is_24_rows_and_the_temperature_after_them():
    rows = table(100).features
    x, y = windows(rows)
    assert x.shape == (76, 24, 6)
    assert np.array_equal(x[-1], rows[-25:-1])
    assert y[-1] == rows[-1, TEMP]


# Training on a generated file ----------------------------------------------------------------------------------------


@pytest.fixture
def data(path):
    return Weather.of(read(path))


def test_the_windows_are_predicted_side_by_side_as_one_by_one(data):
    params = {name: 100 * theta for name, theta in initial(np.random.default_rng(1)).items()}
    x, _ = windows(data.test)
    one_by_one = [TANH.forward(params, {"x": window})[0][-1, 0] for window in x[:10]]
    assert predicted(params, x[:10]) == pytest.approx(one_by_one, rel=1e-12)


@pytest.mark.parametrize(("lr", "averaged"), [(0.1, True), (0.0125, False)], ids=["averaged", "summed"])
def test_the_network_learns(lr, averaged, data):
    trained = train(data.train, 0, lr=lr, batch=8, averaged=averaged, steps=250)
    x, y = windows(data.test)
    variance = np.mean((y - y.mean()) ** 2)
    assert trained.mean[:5].mean() > 0.5
    assert trained.mean[-25:].mean() < 0.15
    assert np.mean((predicted(trained.params, x) - y) ** 2) < 0.3 * variance


def test_summed_gradients_are_averaged_ones_at_a_rate_as_many_times_smaller(data):
    averaged = train(data.train, 0, lr=0.1, batch=4, steps=40)
    summed = train(data.train, 0, lr=0.025, batch=4, averaged=False, steps=40)
    assert averaged.mean == pytest.approx(summed.mean, rel=1e-9)


def test_the_losses_of_a_batch_of_one_are_the_same_thrice(data):
    trained = train(data.train, 0, lr=0.01, batch=1, steps=20)
    assert np.array_equal(trained.mean, trained.total)
    assert np.array_equal(trained.mean, trained.last)


def test_a_seed_trains_the_same_network_again(data):
    first, second = (train(data.train, 3, lr=0.1, batch=2, steps=10) for _ in range(2))
    assert all(np.array_equal(first.params[name], second.params[name]) for name in first.params)


def test_the_linear_model_beats_repeating_on_waves(data):
    assert least_squares(data) < repeating(data)


# The real file -------------------------------------------------------------------------------------------------------


@needs_the_file
def test_the_real_file_is_complete_and_has_the_printed_shape():
    whole = read(found())
    assert len(whole) == 43824
    assert whole.hours == [datetime(2010, 1, 1) + timedelta(hours=k) for k in range(43824)]
    assert whole.as_in_the_lab().features.shape == (42984, 6)
    assert np.all(np.isfinite(whole.features))


@needs_the_file
def test_repeating_and_least_squares_on_the_real_file():
    data = Weather.of(read(found()).as_in_the_lab())
    assert repeating(data) == pytest.approx(0.01588, abs=5e-6)
    assert least_squares(data) == pytest.approx(0.00962, abs=5e-6)
