"""Model inputs and the order of batches."""

from __future__ import annotations

import numpy as np
import pytest

from frameworkbench.data import epoch_order, to_inputs


def test_images_are_scaled_then_standardised_by_channel():
    """Each channel is (x * scale - mean) / std in float32."""
    raw = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)

    inputs = to_inputs(raw, scale=0.5, mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))

    expected = (raw * 0.5 - np.array([1, 2, 3]).reshape(3, 1, 1)) / np.array([2, 4, 8]).reshape(3, 1, 1)
    assert inputs.dtype == np.float32 and inputs.flags.c_contiguous
    np.testing.assert_allclose(inputs, expected, rtol=1e-6)


def test_images_can_be_flattened():
    """Flattening joins channels, rows and columns of each image."""
    assert to_inputs(np.zeros((5, 1, 28, 28), np.uint8), flatten=True).shape == (5, 784)


def test_the_stored_bytes_are_not_changed():
    """The raw array may be a read-only map of a file."""
    raw = np.ones((2, 1, 4, 4), np.uint8)
    raw.flags.writeable = False

    to_inputs(raw, scale=2.0)

    assert raw.max() == 1


def test_tokens_pass_unchanged():
    """Token ids keep their values and their type."""
    tokens = np.arange(12, dtype=np.int32).reshape(3, 4)

    assert np.array_equal(to_inputs(tokens), tokens)
    assert to_inputs(tokens).dtype == np.int32


@pytest.mark.parametrize("raw", [np.zeros((2, 3)), np.zeros((2, 3), np.uint8), np.zeros((2, 1, 4, 4))])
def test_other_arrays_are_refused(raw):
    """An array that is neither image bytes nor token ids is refused."""
    with pytest.raises(ValueError, match="expected uint8"):
        to_inputs(raw)


def test_means_must_fit_the_channels():
    """A number of means that differs from the number of channels is refused."""
    with pytest.raises(ValueError, match="mean: expected 3 values, one for each channel; received 1"):
        to_inputs(np.zeros((1, 3, 2, 2), np.uint8), mean=(0.5,))


def test_an_epoch_visits_each_sample_at_most_once_and_drops_the_rest():
    """Batches are disjoint and whole."""
    order = epoch_order(0, 0, 10, 3)

    assert order.shape == (3, 3) and order.dtype == np.int64
    assert len(set(order.ravel().tolist())) == 9 and order.max() < 10


def test_orders_differ_by_seed_and_epoch_and_repeat():
    """The order is a function of seed and epoch alone."""
    orders = {tuple(epoch_order(s, e, 64, 8).ravel()) for s in (0, 1) for e in (0, 1)}

    assert len(orders) == 4
    assert np.array_equal(epoch_order(1, 1, 64, 8), epoch_order(1, 1, 64, 8))


def test_an_order_is_pinned():
    """The permutation is NumPy's PCG64 of [seed, epoch]; a change would make old results incomparable."""
    expected = np.random.Generator(np.random.PCG64([3, 2])).permutation(8)

    assert epoch_order(3, 2, 8, 4).ravel().tolist() == expected.tolist() == [1, 7, 4, 0, 2, 6, 3, 5]


@pytest.mark.parametrize("batch_size", [0, 11])
def test_a_batch_that_does_not_fit_is_refused(batch_size):
    """A batch of no samples, or of more than there are, is refused."""
    with pytest.raises(ValueError, match="batch_size: expected 1 to 10"):
        epoch_order(0, 0, 10, batch_size)
