"""Mistakes of the lab on the weather network: shapes, names and numbers that do not fit its own data."""

from __future__ import annotations

from math import isclose

from derivations.sources import C
from gradproof.errata import FactErratum

DATA = f"{C}, Exercise 3, Prepare the data"
IMPLEMENTATION = f"{C}, Exercise 3, RNN implementation"

# ---- the data -------------------------------------------------------------------------------------------------------

rows_called_columns = FactErratum(
    key="rows-called-columns",
    title="rows called columns",
    rows=("C-E2",),
    source=DATA,
    kind="text",
    printed="42984 columns and 6 features",
    corrected="42984 rows and 6 columns",
    why="The first number of the shape counts hours, which are rows; the columns are the features.",
    promise="as many columns as features: 6",
    holds=lambda columns: columns == 6,
)

wind_direction_among_features = FactErratum(
    key="wind-direction-among-features",
    title="the wind's direction promised as a feature",
    rows=("C-E2",),
    source=DATA,
    kind="text",
    printed="DEWP, TEMP, PRES, cbwd, Iws, Is, Ir",
    corrected="DEWP, TEMP, PRES, Iws, Is, Ir",
    why="The text says it twice; the code leaves cbwd out, and must: it holds names such as NW, which are no numbers.",
    promise="the columns become numbers: the first hour is (-21, -11, 1021, 1.79, 0, 0), as printed",
    holds=lambda features: features == (-21.0, -11.0, 1021.0, 1.79, 0.0, 0.0),
)

last_day_missing = FactErratum(
    key="last-day-missing",
    title="a last day without its hours, in a file that has them all",
    rows=("C-E5",),
    source=DATA,
    kind="text",
    printed="the last day is missing observations",
    corrected="the cut at 43000 rows leaves 16 hours of a day",
    why="The file has every hour of five years, 43824 = 1826 * 24. It is the line above, which keeps 43000 rows, that"
    " breaks a day off.",
    promise="a last day with fewer than 24 hours",
    holds=lambda hours: 0 < hours < 24,
)

test_data_called_training = FactErratum(
    key="test-data-called-training",
    title="the training data to be standardised in the place of the test data",
    rows=("C-E6",),
    source=DATA,
    kind="text",
    printed="data_test = standardize the training data",
    corrected="data_test = standardize the test data, by the same means and deviations",
    why="The line above is copied. Taken at its word, the network is tested on what it was trained on.",
    promise="test data of a fifth of the rows, here 48 of 240",
    holds=lambda rows: rows == 48,
)

whole_dataset_statistics = FactErratum(
    key="whole-dataset-statistics",
    title="data standardised by the statistics of its test part too",
    rows=("C-E7",),
    source=DATA,
    kind="code",
    printed="mean and standard deviation of the dataset",
    corrected="mean and standard deviation of the training data",
    why="What is known of the test part goes into the training. And the check that follows is not met: in the real"
    " file the training part then has mean -0.026 and deviation 1.010 in TEMP, 0.030 and 1.045 in Iws.",
    promise="the training data has mean 0 and standard deviation 1",
    holds=lambda moments: isclose(moments[0], 0, abs_tol=1e-9) and isclose(moments[1], 1, rel_tol=1e-9),
    note="Shown on a made series with a season in it.",
)

target_shape = FactErratum(
    key="target-shape",
    title="the shape (1,) demanded of a single entry",
    rows=("C-E1",),
    source=f"{DATA}; RNN implementation",
    kind="code",
    printed="y = data[start + 24, 1]; y.shape == (1,)",
    corrected="y = data[start + 24, 1:2]",
    why="Two indices take a single entry, of shape (); the assertion fails, and again below. A slice keeps the axis.",
    promise="a target of shape (1,)",
    holds=lambda shape: shape == "(1,)",
)

# ---- the network ----------------------------------------------------------------------------------------------------

output_weights_called_bias = FactErratum(
    key="output-weights-called-bias",
    title="the output weights called a bias",
    rows=("C-E5",),
    source=IMPLEMENTATION,
    kind="text",
    printed="v, the bias of the output weights",
    corrected="v, the output weights",
    why="In y = V h + c the bias is c. v is multiplied by the state.",
    promise="a bias, moved by 1, moves the output by 1, also where the state is 0",
    holds=lambda moved: moved == 1,
)

batch_loss_of_last_sample = FactErratum(
    key="batch-loss-of-last-sample",
    title="a batch's loss that is its last sample's",
    rows=("C-E4",),
    source=f"{C}, Exercise 3, Training step",
    kind="code",
    printed="total_loss = float(loss), for each sample",
    corrected="total_loss += float(loss) / batch_size",
    why="Each sample overwrites the one before it, and the plotted loss says nothing of the others.",
    promise="the loss of a batch is the same, whichever sample comes last: here in one order and the reverse",
    holds=lambda losses: isclose(*losses, rel_tol=1e-9),
    note="(scan) A lost + would do it; but a sum over eight or more samples does not get below the 0.075 that is"
    " demanded, and the mean does.",
)

loss_appended_once = FactErratum(
    key="loss-appended-once",
    title="the loss appended after the loop",
    rows=("C-E8",),
    source=f"{C}, Exercise 3, Training loop",
    kind="code",
    printed="the last step's loss is appended",
    corrected="each step's loss is appended",
    why="By its indentation the line stands behind the loop: the plot has one point, and the mean of the last 25 losses"
    " is that of one.",
    promise="a loss for each of the 500 steps",
    holds=lambda losses: losses == 500,
    note="(scan) Indentation can be lost; read as it is printed.",
)
