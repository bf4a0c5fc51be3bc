"""The stand-ins: shapes, seeds, and that a linear model fails where the right one learns."""

from __future__ import annotations

import numpy as np
import pytest

from frameworkbench.data.model import DataSpec
from frameworkbench.data.synthetic import LABEL_NOISE, generate
from frameworkbench.data.transform import epoch_order, to_inputs

TEXT = DataSpec("imdb", vocabulary=20_000, length=80)


def softmax(scores):
    """Probabilities of each row."""
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def linear_accuracy(train, test, classes, steps=150, rate=0.02):
    """Test accuracy of a softmax regression trained on all samples at once with Adam."""
    (x, y), (x_test, y_test) = train, test
    centre, spread = x.mean(0), x.std(0) + 1e-6
    x, x_test = ((a - centre) / spread for a in (x, x_test))
    weights, first, second = (np.zeros((x.shape[1], classes), np.float32) for _ in range(3))
    target = np.eye(classes, dtype=np.float32)[y]
    for step in range(1, steps + 1):
        gradient = x.T @ (softmax(x @ weights) - target) / len(x)
        first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
        weights -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return float((np.argmax(x_test @ weights, 1) == y_test).mean())


def perceptron_accuracy(train, test, steps):
    """Test accuracy of 784-256-10 with ReLU, Adam 1e-3, batches of 64: the shipped workload, in NumPy."""
    (x, y), (x_test, y_test) = train, test
    rng = np.random.default_rng(0)
    sizes = [(784, 256), (256,), (256, 10), (10,)]
    values = [rng.uniform(-1, 1, s).astype(np.float32) / 28 * (len(s) == 2) for s in sizes]
    first, second = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    for step, batch in enumerate(epoch_order(0, 0, len(x), 64)[:steps], 1):
        hidden = np.maximum(x[batch] @ values[0] + values[1], 0)
        error = (softmax(hidden @ values[2] + values[3]) - np.eye(10, dtype=np.float32)[y[batch]]) / 64
        back = (error @ values[2].T) * (hidden > 0)
        for i, g in enumerate((x[batch].T @ back, back.sum(0), hidden.T @ error, error.sum(0))):
            first[i], second[i] = 0.9 * first[i] + 0.1 * g, 0.999 * second[i] + 0.001 * g**2
            values[i] -= 1e-3 * (first[i] / (1 - 0.9**step)) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
    scores = np.maximum(x_test @ values[0] + values[1], 0) @ values[2] + values[3]
    return float((scores.argmax(1) == y_test).mean())


def kind_counts(tokens, markers):
    """For each text the counts of both kinds of markers in its early and its late half (N, 2, 2)."""
    counts = np.zeros((len(tokens), 2, 2))
    for i, row in enumerate(tokens):
        text = row[row > 0]
        for half, part in enumerate((text[: len(text) // 2], text[len(text) // 2 :])):
            counts[i, half] = [np.isin(part, kind).sum() for kind in markers]
    return counts


def bag_of_words(tokens, vocabulary=200):
    """Counts of the most frequent words of each text (N, V)."""
    return np.stack([np.bincount(row[row < vocabulary], minlength=vocabulary) for row in tokens]).astype(np.float32)


@pytest.mark.parametrize(
    ("spec", "shape", "dtype", "classes"),
    [
        (DataSpec("mnist", train_limit=100, test_limit=50), (1, 28, 28), np.uint8, 10),
        (DataSpec("cifar10", train_limit=100, test_limit=50), (3, 32, 32), np.uint8, 10),
        (DataSpec("imdb", vocabulary=500, length=40, train_limit=100, test_limit=50), (40,), np.int32, 2),
    ],
)
def test_stand_ins_look_like_the_real_sets(spec, shape, dtype, classes):
    """Shapes, types and labels are those of the real set."""
    (train, labels), (test, _) = generate(spec, 0)

    assert train.shape == (100, *shape) and test.shape == (50, *shape)
    assert train.dtype == dtype and labels.dtype == np.int64
    assert set(labels.tolist()) == set(range(classes))


@pytest.mark.parametrize("name", ["mnist", "cifar10", "imdb"])
def test_equal_seeds_give_equal_arrays(name):
    """A stand-in is a function of its seed, and its splits differ."""
    text = {"vocabulary": 300, "length": 30} if name == "imdb" else {}
    spec = DataSpec(name, train_limit=50, test_limit=50, **text)

    (a, _), (a_test, _) = generate(spec, 1)
    (b, _), _ = generate(spec, 1)
    (c, _), _ = generate(spec, 2)

    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert not np.array_equal(a, a_test)


def test_mnist_defeats_a_linear_model_and_yields_to_a_perceptron():
    """After the quick suite's 60 steps the workload's model is far above a well-trained linear model."""
    spec = DataSpec("mnist", train_limit=60 * 64)
    train, test = (
        (to_inputs(x, scale=1 / 255, mean=(0.1307,), std=(0.3081,), flatten=True), y) for x, y in generate(spec, 0)
    )

    linear = linear_accuracy((train[0][:3000], train[1][:3000]), test, 10, steps=40)
    model = perceptron_accuracy(train, test, 60)

    assert model > 0.7
    assert linear < 0.6 * model


def texture_features(images):
    """What a small convolution with pooling can see: the mean energy of colours' differences by axis."""
    x = images.astype(np.float32) - 120
    pairs = [x[:, 0], x[:, 1], x[:, 2], x[:, 0] - x[:, 1], x[:, 1] - x[:, 2], x[:, 0] + x[:, 1], x[:, 1] + x[:, 2]]
    steps = [(p[:, :, 2:] - p[:, :, :-2], p[:, 2:] - p[:, :-2]) for p in pairs]
    return np.stack([np.log1p((d**2).mean((1, 2))) for pair in steps for d in pair], 1)  # (N, 14)


def test_cifar10_defeats_a_linear_model_and_yields_to_local_features():
    """Pixels do not tell a class linearly; pooled local differences do."""
    train, test = generate(DataSpec("cifar10", train_limit=2500, test_limit=1000), 0)
    pixels = [(to_inputs(x[:, :, ::2, ::2], scale=1 / 255, flatten=True), y) for x, y in (train, test)]
    local = [(texture_features(x), y) for x, y in (train, test)]

    linear = linear_accuracy(*pixels, 10, steps=40)
    pooled = linear_accuracy(*local, 10, steps=400, rate=0.1)

    assert pooled > 0.7
    assert linear < 0.5 * pooled


def test_imdb_hides_the_class_in_the_order_of_tokens():
    """A bag of words is at chance, late markers tell the class, and shuffled texts tell nothing."""
    train, test = generate(TEXT, 0)
    rng = np.random.default_rng(0)
    late = _late_rule(train)

    bag = linear_accuracy((bag_of_words(train[0]), train[1]), (bag_of_words(test[0]), test[1]), 2, steps=60)
    ordered = late(test[0], test[1])
    shuffled = late(np.stack([_shuffled(row, rng) for row in test[0]]), test[1])

    assert abs(bag - 0.5) < 0.06
    assert ordered > 0.9
    assert abs(shuffled - 0.5) < 0.06


def _late_rule(train):
    """Accuracy of a rule learned from half-text counts: is word w more frequent late in class 1?"""
    tokens, labels = train
    weight = np.zeros(20_000)
    for row, label in zip(tokens, labels, strict=True):
        text = row[row > 0]
        half = len(text) // 2
        sign = 2 * label - 1
        np.add.at(weight, text[half:], sign)
        np.add.at(weight, text[:half], -sign)
    weight[np.abs(weight) < 500] = 0

    def accuracy(rows, truth):
        scores = []
        for row in rows:
            text = row[row > 0]
            scores.append(weight[text[len(text) // 2 :]].sum() - weight[text[: len(text) // 2]].sum())
        return float(((np.array(scores) > 0) == truth).mean())

    return accuracy


def _shuffled(row, rng):
    text = row[row > 0]
    return np.concatenate([np.zeros(len(row) - len(text), row.dtype), rng.permutation(text)])


def test_imdb_counts_of_both_kinds_are_equal_in_every_text():
    """Both kinds of markers occur equally often in each text, so no count can tell the class."""
    (tokens, _), _ = generate(DataSpec("imdb", vocabulary=1000, length=40, train_limit=200, test_limit=1), 5)
    markers = _markers_by_seed(5)

    counts = kind_counts(tokens, markers).sum(1)

    assert (counts[:, 0] == counts[:, 1]).all() and counts.min() > 0


def _markers_by_seed(seed):
    from frameworkbench.data.synthetic import _marker_tokens

    return _marker_tokens(1000, np.random.Generator(np.random.PCG64([seed, 0])))


def test_words_follow_zipf():
    """The most frequent words make up most of a text, and ids stay within the vocabulary."""
    (tokens, _), _ = generate(TEXT, 0)
    counts = np.sort(np.bincount(tokens[tokens > 0], minlength=20_000))[::-1]

    assert tokens.min() == 0 and tokens.max() < 20_000
    assert counts[:100].sum() > 0.5 * counts.sum()


@pytest.mark.parametrize("padding", ["front", "back"])
def test_padding_is_on_the_asked_side(padding):
    """Zeros stand only before, or only after, a text."""
    spec = DataSpec("imdb", vocabulary=100, length=20, padding=padding, train_limit=50, test_limit=1)
    (tokens, _), _ = generate(spec, 0)
    empty = (tokens if padding == "front" else tokens[:, ::-1]) == 0

    assert (np.diff(empty.astype(int), axis=1) <= 0).all()
    assert empty.any()


def test_labels_carry_the_promised_noise():
    """About 3 % of the labels contradict the pattern, so no honest model passes about 97 %."""
    spec = DataSpec("imdb", vocabulary=100, length=80, train_limit=1500, test_limit=1)
    (tokens, labels), _ = generate(spec, 7)
    counts = kind_counts(tokens, _markers_by_seed(7))
    by_pattern = (counts[:, 1, 1] - counts[:, 1, 0] > 0).astype(int)

    assert abs((by_pattern != labels).mean() - LABEL_NOISE) < 0.02


RATINGS = DataSpec("ratings", users=300, items=200)


def test_ratings_are_pairs_and_stars():
    """Pairs lie within the tables, stars between 1 and 5, popular items are frequent, and a seed repeats itself."""
    (pairs, stars), (test, _) = generate(RATINGS, 0)

    assert (pairs.dtype, pairs.shape, test.shape) == (np.int32, (100_000, 2), (2_000, 2))
    assert (pairs.max(0) < (300, 200)).all()
    assert set(np.unique(stars)) == {1, 2, 3, 4, 5}
    assert 0.4 < np.bincount(stars).max() / len(stars) < 0.5
    assert np.bincount(pairs[:, 1])[0] > 50 * np.bincount(pairs[:, 1])[-1]
    np.testing.assert_array_equal(generate(RATINGS, 0)[0][0], pairs)
    assert not np.array_equal(generate(RATINGS, 1)[0][1], stars)


def test_ratings_depend_on_user_and_item_together():
    """The same hidden tastes rate both splits: means by user and by item tell stars of unseen pairs apart."""
    (pairs, stars), (test, wanted) = generate(RATINGS, 0)
    means = [np.bincount(pairs[:, side], stars) / np.maximum(np.bincount(pairs[:, side]), 1) for side in (0, 1)]
    guess = means[0][test[:, 0]] + means[1][test[:, 1]]

    assert np.corrcoef(guess, wanted)[0, 1] > 0.5
