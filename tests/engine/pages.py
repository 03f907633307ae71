"""Records for tests of the page: every kind, right and wrong, and what a hostile file would put into them."""

ORACLES = ("derivation", "tape", "complex step", "central diff", "autograd", "50 digits")
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}<svg onload=alert(1)>"
HERE = "Python 3.11.9, NumPy 2.4.6, torch 2.13.0, Linux"
THERE = "Python 3.13.1, NumPy 2.5.0, no torch, Linux"


def formula(key="logistic-regression", **changes):
    """A formula that passed."""
    return {
        "key": key,
        "kind": "formula",
        "environment": HERE,
        "source": "A lab sheet, 2. Regression",
        "rows": ["A4"],
        "status": "pass",
        "proof": "every size",
        "points": 63,
        "oracles": {name: {"worst": 0.07 + 0.1 * i, "points": 21 - i} for i, name in enumerate(ORACLES)},
        "not_run": {"torch module": {"the problem has no autograd_kernel": 21}},
        "findings": [],
        "taylor_slope": 1.9993,
        "seconds": 1.5,
        "title": "logistic regression with m rows and n features",
        "statement": r"\nabla_w J = \frac{1}{m} X^T (a - y), \quad \frac{\partial J}{\partial b} = \sum_i (a_i - y_i)",
        "domain": "y in {0, 1}; all real w, b, X; m, n >= 1",
        "note": "The source prints one row and two features.",
        "checked": [
            {"claim": "dJ/dw_q", "latex": r"\frac{\sum_{i=0}^{m - 1} \left(a_{i} - y_{i}\right) X_{i,q}}{m}"},
            {"claim": "dJ/db", "latex": r"\frac{\sum_{i=0}^{m - 1} \left(a_{i} - y_{i}\right)}{m}"},
        ],
        "argued": "Where the forward equations hold, the Lagrangian equals the loss.",
        "code": {
            "file": "implementations/regression.py",
            "name": "gradients",
            "text": "def gradients(params, data):\n    ...",
        },
        "smallest": {"m": 1, "n": 1},
        "largest": {"m": 9, "n": 8},
        "agreement": [
            {"first": first, "second": second, "worst": 0.1}
            for i, first in enumerate(ORACLES)
            for second in ORACLES[i + 1 :]
        ],
        "outvoted": [],
        "disagreements": [],
        "assumed": "",
        "taylor": [[2.0**-i, 3 * 4.0**-i] for i in range(4, 12)],
        **changes,
    }


def contradicted(key="odd", name="central diff"):
    """A formula of which one oracle contradicts all others."""
    agreement = [
        {**pair, "worst": 40.0 if name in (pair["first"], pair["second"]) else 0.1} for pair in formula()["agreement"]
    ]
    return formula(key, agreement=agreement, outvoted=[f"{name} at m=1, n=1: 50 digits sides with the tape"])


def failing(key="sentiment-rnn", **changes):
    """A formula whose code is wrong in one matrix."""
    finding = {
        "kind": "value",
        "parameter": "W",
        "index": [1, 0],
        "point": {
            "sizes": {"n": 2, "T": 2},
            "regime": "ordinary",
            "dtype": "float64",
            "layout": "C",
            "decimals": 1,
            "seed": 3,
        },
        "claimed": 0.25,
        "reference": 0.75,
        "error": 0.5,
        "bound": 1e-15,
        "detail": "the gradient of W is wrong in 4 of 6 entries",
        "diagnosis": "dW equals the formula with h[t] in place of h[t-1]",
        "errors": {"shape": [2, 3], "ratio": [[0.3, 12.0, "nan"], [5e14, 0.0, "inf"]]},
        "replay": "pytest tests/test_gradients.py -k sentiment-rnn --implementation sentiment-rnn=mine.py",
        "params": {"W": [[0.0, 1.0], [0.5, 0.0]], "b": [0.0, -1.5]},
        "data": {"label": 1},
    }
    record = formula(key, status="fail", findings=[finding], title="the sentiment network", **changes)
    return {**record, "oracles": {**record["oracles"], "tape": {"worst": 5e14, "points": 4}}}


def erratum(key="carry-not-transposed", **changes):
    return {
        "key": key,
        "kind": "erratum",
        "environment": HERE,
        "source": "A lab sheet, Back propagation, method backprop",
        "rows": ["E-E2"],
        "status": "pass",
        "proof": None,
        "points": 1,
        "oracles": {},
        "not_run": {},
        "findings": [],
        "taylor_slope": None,
        "seconds": 0.5,
        "erratum": "wrong",
        "title": "the recurrent weights without their transpose",
        "printed": {"form": "dL/dh_(t-1) = W_hh delta_t", "gives": "db[1] = 0"},
        "corrected": {"form": "dL/dh_(t-1) = W_hh^T delta_t", "gives": "db[1] = 1"},
        "why": "As a column the derivative needs the transpose.",
        "note": "The formula above it has it right.",
        "margin": 6.57e13,
        "counterexample": ["W = [[0, 1], [0, 0]]", "delta_1 = W^T delta_2 = (0, 1)"],
        "checks": ["db[1] is 1 by hand, 1.0 by the proved formula", "the correction passes at 73 points"],
        **changes,
    }


def claim(key="parity: loss at epoch 10", **changes):
    return {
        "key": key,
        "kind": "reproduction",
        "environment": HERE,
        "source": "A report, Question 2",
        "rows": ["B-ii"],
        "status": "pass",
        "proof": None,
        "points": 5,
        "oracles": {},
        "not_run": {},
        "findings": [],
        "taylor_slope": None,
        "seconds": 6.0,
        "title": "the parity network with the printed rate",
        "claim": "loss at epoch 10 is 0.0059",
        "printed": "0.0059",
        "reproduced": {"median": 0.0058, "min": 0.004, "max": 0.007, "seeds": 5},
        "shown": "0.0058 [0.0040, 0.0070]",
        "verdict": "holds",
        "why": "The settings are those of the table above.",
        "chosen": "Weights start uniform.",
        **changes,
    }


def example(key="one-step-neuron", **changes):
    names = ("kind", "environment", "source", "rows", "status", "points", "oracles", "not_run", "findings")
    return {"key": key, **{name: value for name, value in claim().items() if name in names}, **changes}


def benchmark(key="elman, 100 steps", **changes):
    return {
        "key": key,
        "kind": "benchmark",
        "environment": HERE,
        "section": "kernels",
        "ratio": 0.25,
        "iqr": [0.2, 0.5],
        "shape": "elman",
        "sizes": "B=1, T=100, n=64",
        "dtype": "float64",
        "kernel": "NumPy",
        "peer": "autograd",
        **changes,
    }


def growth(kernel="NumPy", **changes):
    """How a kernel's time grows with the number of steps."""
    curve = {"by": "T", "of": "seconds", "at": [8, 16, 32], "values": [1e-4, 2e-4, 4e-4], "slope": 1.0}
    return {**benchmark(f"growth: {kernel}", ratio=None, iqr=None, kernel=kernel, peer=None), "curve": curve, **changes}


def power(checker="gradproof", **changes):
    """A checker that was measured on a hundred wrong gradients and forty correct points."""
    return {
        "key": f"power: {checker}",
        "kind": "power",
        "environment": HERE,
        "source": None,
        "status": "pass",
        "findings": [],
        "checker": checker,
        "version": "2.13.0",
        "kills": {"transpose dropped": [60, 60], "term dropped": [39, 40]},
        "kills_at_one_point": {"transpose dropped": [45, 60], "term dropped": [20, 40]},
        "alarms": {"float64, ordinary": [0, 20, 0], "float32, saturated": [0, 20, 3]},
        "milliseconds": {"median": 14.2, "low": 9.5, "high": 31.0},
        "survivors": [
            {
                "name": "dW[0, 0] off by 1e-16",
                "formula": "rnn-tanh",
                "kind": "term dropped",
                "reason": "The term is smaller than what rounding may do.",
            }
        ],
        "not_run": "",
        **changes,
    }


def peer(checker="torch gradcheck", **changes):
    """A checker that misses some and alarms."""
    kills = {"transpose dropped": [48, 60], "term dropped": [24, 40]}
    alarms = {"float64, ordinary": [0, 20, 0], "float32, saturated": [9, 20, 0]}
    return power(checker, **{"kills": kills, "kills_at_one_point": {}, "alarms": alarms, "survivors": [], **changes})


def absent(checker="JAX check_grads", **changes):
    """A checker that was not there."""
    nothing = {"kills": {}, "kills_at_one_point": {}, "alarms": {}, "milliseconds": {}, "version": None}
    reason = "jax is not installed"
    return peer(checker, **{**nothing, "status": "inconclusive", "not_run": reason, **changes})


def everything():
    """A run with something of every kind, and something wrong."""
    unproved = {"proof": None, "checked": [], "argued": "", "statement": None, "taylor": [], "taylor_slope": None}
    return [
        formula(),
        contradicted(),
        failing(),
        formula("open", status="inconclusive", oracles={}, agreement=[], not_run={"tape": {"the loss has a kink": 21}}),
        formula("user's own", title=None, source=None, rows=[], code=None, **unproved),
        erratum(),
        erratum("not-run", status="inconclusive", not_run={"erratum": {"PyTorch is not installed": 1}}, rows=["E-E10"]),
        claim(),
        claim(
            "parity: loss at epoch 20",
            verdict="no",
            status="fail",
            findings=[{"kind": "reproduction", "detail": "no, expected holds"}],
        ),
        claim(
            "weather: loss",
            verdict=None,
            status="inconclusive",
            why="no file pollution.csv",
            title="the weather network",
        ),
        example(),
        benchmark(),
        benchmark("elman, 2 steps", ratio=1.6, iqr=[1.5, 1.7], peer="nn.RNN"),
        growth(),
        power(),
        peer(),
        absent(),
    ]


def hostile(value=HOSTILE):
    """Records with ``value`` in every text, name and number that they have."""

    def spoil(part):
        if isinstance(part, dict):
            return {f"{name}{value}" if name in ORACLES else name: spoil(inner) for name, inner in part.items()}
        return [spoil(inner) for inner in part] if isinstance(part, list) else value if isinstance(part, str) else part

    kept = ("kind", "status", "proof", "verdict")
    records = [{**spoil(record), **{name: record[name] for name in kept if name in record}} for record in everything()]
    for i, record in enumerate(records):
        record["key"] = f"{value} {i}"
    sizes = [formula("sizes", smallest={value: value}, not_run={value: {value: 1}}, findings=[{"kind": value}])]
    counted = {value: [1, 2, 1]}
    checkers = [
        {**records[-3], "checker": "gradproof", "status": "fail", "findings": [{"detail": value}]},
        {**records[-2], "kills": counted, "kills_at_one_point": counted, "alarms": counted},
    ]
    return records + sizes + checkers
