"""The phrases of the sentiment network (E-i; its document's section DataSet), by label and in alphabetical order.

They have one to ten words, of 18 in all.
"""

from __future__ import annotations


def phrases(text: str) -> tuple[str, ...]:
    """Phrases divided by commas, wherever the lines end."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


TRAIN_POSITIVE = phrases(
    """
    good, happy, i am good and happy, i am good not bad, i am good right now, i am happy, i am not at all bad,
    i am not at all bad or sad right now, i am not bad, i am very happy, i was good and not bad earlier,
    i was good earlier, i was happy earlier, not bad, not sad, this is good, this is good not bad,
    this is not at all sad, this is not sad, this is very good, this is very good right now, this is very happy,
    this was very good earlier, this was very happy earlier, very good, very happy
    """
)
TRAIN_NEGATIVE = phrases(
    """
    bad, i am bad, i am bad not good, i am bad right now, i am not at all good, i am not at all good or happy right now,
    i am not at all happy, i am not happy, i am sad, i am sad right now, i am very bad, i am very bad right now,
    i was bad earlier, i was not good and not happy earlier, i was sad earlier, not good, not happy, sad, this is bad,
    this is bad right now, this is not at all happy, this is not good, this is not good and not happy, this is sad,
    this is very sad, this is very sad right now, this was bad earlier, this was not happy and not good earlier,
    this was very bad earlier, this was very sad earlier, very bad, very sad
    """
)
TEST_POSITIVE = phrases(
    """
    i am good, i am not at all sad, i am not sad, i am very good, this is good and happy, this is good right now,
    this is happy, this is not at all bad, this is not bad, this was good earlier
    """
)
TEST_NEGATIVE = phrases(
    """
    i am not good, i am not good and not happy, i am very sad, i was not happy and not good earlier,
    this is bad not good, this is not at all good, this is not happy, this is sad right now, this is very bad,
    this is very bad right now
    """
)

TRAIN = {**dict.fromkeys(TRAIN_POSITIVE, 1), **dict.fromkeys(TRAIN_NEGATIVE, 0)}
"""58 phrases -> 1 for positive, 0 for negative."""
TEST = {**dict.fromkeys(TEST_POSITIVE, 1), **dict.fromkeys(TEST_NEGATIVE, 0)}
"""20 others, of the same words."""
VOCABULARY = sorted({word for phrase in TRAIN for word in phrase.split()})
