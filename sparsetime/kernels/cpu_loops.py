"""Compiled loops for sparse codes on CPUs. Plain arrays in, plain arrays out.

Every result is the same for any number of threads: a thread owns whole rows (or whole latents)
and no two of them add to the same number.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


# Entries that are tested together; only the blocks that hold a kept entry are read one by one.
_BLOCK = 16
# Counters of the same size as the entries keep a loop at vector speed; they hold this many.
_COUNTED_AT_ONCE = 1 << 14
# Rows that share scratch memory.
_ROWS_AT_ONCE = 16


@njit(cache=True)
def _count_above(line, bound):
    total = np.int64(0)
    for start in range(0, line.shape[0], _COUNTED_AT_ONCE):
        part = line[start : start + _COUNTED_AT_ONCE]
        count = np.int16(0)
        for n in range(part.shape[0]):
            count = np.int16(count + np.int16(part[n] > bound))
        total += count
    return total


@njit(cache=True)
def _bound_of_rank(line, k):
    """The least bound, at least 0, that at most k entries are above; of the type of the entries.

    Bisection over the bits: a counting pass over entries in the cache runs at vector speed, which
    no heap or partial sort does.
    """
    zero = line.dtype.type(0)
    if _count_above(line, zero) <= k:
        return zero
    high = zero
    for n in range(line.shape[0]):
        value = line[n]
        high = value if value > high else high
    low = zero
    # Invariant: more than k entries are above `low`, at most k are above `high`.
    while np.int64(high) - np.int64(low) > 1:
        middle = line.dtype.type(np.int64(low) + (np.int64(high) - np.int64(low)) // 2)
        count = _count_above(line, middle)
        if count > k:
            low = middle
        else:
            high = middle
            if count == k:
                break
    return high


@njit(cache=True)
def _places_above(line, bound, places):
    """Write the places of the entries above the bound, ascending; how many there are.

    `places` has one element more than can be found.
    """
    found = 0
    blocks = line.shape[0] // _BLOCK
    for block in range(blocks):
        part = line[block * _BLOCK : (block + 1) * _BLOCK]
        count = np.int16(0)
        for n in range(_BLOCK):
            count = np.int16(count + np.int16(part[n] > bound))
        if count > 0:
            # Every place is written and only kept ones are passed: no branch to mispredict.
            for n in range(_BLOCK):
                places[found] = block * _BLOCK + n
                found += part[n] > bound
    for n in range(blocks * _BLOCK, line.shape[0]):
        places[found] = n
        found += line[n] > bound
    return found


@njit(cache=True)
def _likely_bound(line, k, maxima):
    """A bound, at least 0, that k entries or more are above where there are as many, and few more.

    It is found among the maxima of interleaved strides, which one pass at vector speed takes. No
    maxima: the search goes over the whole line.
    """
    strides = maxima.shape[0]
    if strides == 0:
        bound = _bound_of_rank(line, k)
    else:
        for n in range(strides):
            maxima[n] = line[n]
        for start in range(strides, line.shape[0] - strides + 1, strides):
            part = line[start : start + strides]
            for n in range(strides):
                value, largest = part[n], maxima[n]
                maxima[n] = value if value > largest else largest
        bound = _bound_of_rank(maxima, k)
    # At most k are above the bound, so that with those on it there are k or more.
    return line.dtype.type(bound - 1) if bound > 0 else bound


@njit(cache=True)
def _largest_of_row(line, k, maxima, places, values):
    """Write the places of the k largest positive entries, ascending; how many there are."""
    found = _places_above(line, _likely_bound(line, k, maxima), places)
    if found <= k:
        return found
    for n in range(found):
        values[n] = line[places[n]]
    bound = _bound_of_rank(values[:found], k)
    ties = k - _count_above(values[:found], bound)
    kept = 0
    for n in range(found):
        tied = values[n] == bound
        places[kept] = places[n]
        kept += (values[n] > bound) | (tied & (ties > 0))
        ties -= tied
    return kept


@njit(cache=True, parallel=True)
def _largest_per_row(bits, k, strides, at_once):
    rows, width = bits.shape
    counts = np.empty(rows, np.int64)
    found = np.empty((rows, k), np.int64)
    for start in prange((rows + at_once - 1) // at_once):
        maxima = np.empty(strides, bits.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, bits.dtype)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            count = _largest_of_row(bits[row], k, maxima, places, values)
            counts[row] = count
            found[row, :count] = places[:count]
    return counts, found


def _strides(width, k):
    """How many maxima to take of a row; none where that would not save anything."""
    strides = min(8 * k, width // 4) // 32 * 32
    return strides if strides >= 2 * k else 0


def largest_per_row(bits, k):
    """The k largest positive entries of every row: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    counts, found = _largest_per_row(bits, k, _strides(bits.shape[1], k), _ROWS_AT_ONCE)
    if (counts == k).all():
        return counts, found.reshape(-1)
    return counts, found[np.arange(k) < counts[:, None]]


@njit(cache=True, parallel=True)
def _bounds_of_rank(bits, k, strides, at_once, bounds):
    """For every row: a bound that at most k entries are above, and k or more on it or above."""
    rows, width = bits.shape
    for start in prange((rows + at_once - 1) // at_once):
        maxima = np.empty(strides, bits.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, bits.dtype)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            line = bits[row]
            likely = _likely_bound(line, k, maxima)
            found = _places_above(line, likely, places)
            for n in range(found):
                values[n] = line[places[n]]
            bounds[row] = _bound_of_rank(values[:found], k) if found > k else likely


@njit(cache=True, parallel=True)
def _counts_above(bits, bounds):
    counts = np.empty(bits.shape[0], np.int64)
    for row in prange(bits.shape[0]):
        counts[row] = _count_above(bits[row], bounds[row])
    return counts


@njit(cache=True, parallel=True)
def _fill_above(bits, bounds, offsets, indices, at_once):
    rows, width = bits.shape
    for start in prange((rows + at_once - 1) // at_once):
        places = np.empty(width + 1, np.int64)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            found = _places_above(bits[row], bounds[row], places)
            indices[offsets[row] : offsets[row + 1]] = places[:found]


def above(bits, bound):
    """Entries whose bits are above `bound` (at least 0): counts [rows], indices [entries]."""
    return _above_each(bits, np.full(bits.shape[0], bound, bits.dtype))


def _above_each(bits, bounds):
    counts = _counts_above(bits, bounds)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    indices = np.empty(offsets[-1], np.int64)
    _fill_above(bits, bounds, offsets, indices, _ROWS_AT_ONCE)
    return counts, indices


def above_zero(bits):
    """Positive entries: counts [rows], indices [entries]."""
    return above(bits, 0)


def near_largest_per_row(bits, k, margins):
    """Entries less than a margin below their row's k-th largest: counts [rows], indices [entries].

    margins: float32 [rows]. Where fewer than k are positive, those above minus the margin.
    """
    bounds = np.empty(bits.shape[0], bits.dtype)
    _bounds_of_rank(bits, k, _strides(bits.shape[1], k), _ROWS_AT_ONCE, bounds)
    lowered = _floats(bounds) - margins
    below = lowered < 0
    if below.any():
        # The bits of negative floats ascend as the floats fall; turned over, all bits ascend.
        bits, lowered = ascending(bits), np.where(below, lowered, np.maximum(lowered, 0))
        return _above_each(bits, ascending(_bits_of(lowered, bits.dtype)))
    return _above_each(bits, _bits_of(lowered, bits.dtype))


def _floats(bits):
    """Bits of bfloat16 or float32 as float32."""
    wide = bits.astype(np.int32)
    return (wide << 16 if bits.dtype == np.int16 else wide).view(np.float32)


def _bits_of(floats, dtype):
    """Bits, of floats rounded towards zero where they are halved; minus one more is below."""
    bits = floats.astype(np.float32).view(np.int32)
    if dtype == np.int16:
        # Towards minus infinity, so that nothing above the float is lost.
        bits = (bits >> 16) + (floats < 0)
        return bits.astype(np.int16)
    return bits


def ascending(bits):
    """Bits whose integers ascend with the floats, negative ones included."""
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & np.iinfo(bits.dtype).max)


@njit(cache=True)
def values_at(bits, counts, indices):
    """The bits at the given places, row by row."""
    out = np.empty(indices.shape[0], np.int32)
    at = 0
    for row in range(counts.shape[0]):
        for _ in range(counts[row]):
            out[at] = bits[row, indices[at]]
            at += 1
    return out


def value_at_rank(bits, rank):
    """A bound that about `rank` entries are above; 0 where fewer are positive."""
    return int(_bound_of_rank(bits.reshape(-1), rank))


@njit(cache=True)
def _keep_largest(counts, indices, values, bound, ties):
    """Entries above the bound, and the first `ties` of those on it."""
    kept = np.empty(indices.shape[0], np.int64)
    new_counts = np.zeros_like(counts)
    at = 0
    new = 0
    for row in range(counts.shape[0]):
        for _ in range(counts[row]):
            take = values[at] > bound
            if values[at] == bound and ties > 0:
                take = True
                ties -= 1
            if take:
                kept[new] = indices[at]
                new += 1
                new_counts[row] += 1
            at += 1
    return new_counts, kept[:new]


def keep_largest(counts, indices, values, total):
    """The `total` largest of all positive entries; of equal ones the first."""
    if values.shape[0] <= total:
        return _keep_largest(counts, indices, values, 0, 0)
    bound = max(0, int(np.partition(values, values.shape[0] - total)[values.shape[0] - total]))
    if bound == 0:
        return _keep_largest(counts, indices, values, 0, 0)
    ties = total - int((values > bound).sum())
    return _keep_largest(counts, indices, values, bound, ties)


@njit(cache=True, parallel=True)
def mask_of_largest(bits, k):
    """Per row, which are the k largest of integers of either sign; of equal ones the first."""
    mask = np.empty(bits.shape, np.bool_)
    for row in prange(bits.shape[0]):
        line = bits[row]
        low, high = np.int64(line[0]), np.int64(line[0])
        for n in range(line.shape[0]):
            low, high = min(low, np.int64(line[n])), max(high, np.int64(line[n]))
        low -= 1
        # Invariant: more than k are above `low`, or all; at most k are above `high`.
        while high - low > 1:
            middle = low + (high - low) // 2
            count = _count_above(line, bits.dtype.type(middle))
            if count > k:
                low = middle
            else:
                high = middle
                if count == k:
                    break
        ties = k - _count_above(line, bits.dtype.type(high))
        for n in range(line.shape[0]):
            tied = line[n] == high
            mask[row, n] = line[n] > high or (tied and ties > 0)
            ties -= tied
    return mask


@njit(cache=True, parallel=True, fastmath=_FAST)
def gather_dot(x, weight, offsets, indices, out):
    """out[entry] = x[row] · weight[index]."""
    d = x.shape[1]
    for row in prange(offsets.shape[0] - 1):
        line = x[row]
        for entry in range(offsets[row], offsets[row + 1]):
            other = weight[indices[entry]]
            total = np.float32(0)
            for n in range(d):
                total += line[n] * other[n]
            out[entry] = total


@njit(cache=True, parallel=True, fastmath=_FAST)
def decode(values, offsets, indices, atoms, out):
    """out[row] = sum of values * atoms[index] over the row's entries."""
    d = atoms.shape[1]
    for row in prange(offsets.shape[0] - 1):
        line = out[row]
        line[:] = 0
        for entry in range(offsets[row], offsets[row + 1]):
            strength = values[entry]
            atom = atoms[indices[entry]]
            for n in range(d):
                line[n] += strength * atom[n]


@njit(cache=True)
def transpose(offsets, indices, width):
    """Counting sort of the entries by latent: offsets [width + 1], rows and order [entries]."""
    starts = np.zeros(width + 1, np.int64)
    for entry in range(indices.shape[0]):
        starts[indices[entry] + 1] += 1
    for latent in range(width):
        starts[latent + 1] += starts[latent]
    place = starts[:-1].copy()
    rows = np.empty(indices.shape[0], np.int64)
    order = np.empty(indices.shape[0], np.int64)
    for row in range(offsets.shape[0] - 1):
        for entry in range(offsets[row], offsets[row + 1]):
            at = place[indices[entry]]
            place[indices[entry]] = at + 1
            rows[at] = row
            order[at] = entry
    return starts, rows, order


@njit(cache=True, parallel=True, fastmath=_FAST)
def project(values, places, weight):
    """Take the part along its weight, which has length one, out of every row, in place."""
    for row in prange(values.shape[0]):
        line = values[row]
        own = weight[places[row]]
        along = np.float32(0)
        for n in range(line.shape[0]):
            along += line[n] * own[n]
        for n in range(line.shape[0]):
            line[n] -= along * own[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def adam(weight, first, second, values, row_of, numbers, unit_rows):
    """One step of Adam on every row; `row_of[latent]` is its row in `values`, or -1 for zeros."""
    scale, first_decay, second_decay, size, correction, epsilon = numbers
    d = weight.shape[1]
    for latent in prange(weight.shape[0]):
        own, mean, square = weight[latent], first[latent], second[latent]
        row = row_of[latent]
        if row >= 0:
            line = values[row]
            for n in range(d):
                slope = line[n] * scale
                mean[n] = first_decay * mean[n] + (1 - first_decay) * slope
                square[n] = second_decay * square[n] + (1 - second_decay) * slope * slope
        else:
            for n in range(d):
                mean[n] = first_decay * mean[n]
                square[n] = second_decay * square[n]
        for n in range(d):
            own[n] -= size * mean[n] / (np.sqrt(square[n]) / correction + epsilon)
        if unit_rows:
            length = np.float32(0)
            for n in range(d):
                length += own[n] * own[n]
            shrink = 1 / max(np.sqrt(length), np.float32(1e-8))
            for n in range(d):
                own[n] *= shrink


@njit(cache=True, parallel=True)
def quantise(x):
    """Every row as 8-bit integers, and what they are to be multiplied by."""
    out = np.empty(x.shape, np.int8)
    scales = np.empty(x.shape[0], np.float32)
    for row in prange(x.shape[0]):
        line = x[row]
        largest = np.float32(0)
        for n in range(line.shape[0]):
            size = abs(line[n])
            largest = size if size > largest else largest
        scale = largest / np.float32(127) if largest > 0 else np.float32(1)
        scales[row] = scale
        up = np.float32(1) / scale
        for n in range(line.shape[0]):
            out[row, n] = np.int8(np.rint(line[n] * up))
    return out, scales


@njit(cache=True, parallel=True)
def rescale(sums, row_scales, latent_scales, bias, out):
    """Integer sums of products back in units of the pre-activation."""
    for row in prange(sums.shape[0]):
        line, scores, scale = sums[row], out[row], row_scales[row]
        for n in range(line.shape[0]):
            scores[n] = np.float32(line[n]) * (scale * latent_scales[n]) + bias[n]


@njit(cache=True, parallel=True)
def _keep_largest_per_row(offsets, indices, bits, k):
    rows = offsets.shape[0] - 1
    counts = np.empty(rows, np.int64)
    found = np.empty((rows, k), np.int64)
    for row in prange(rows):
        line = bits[offsets[row] : offsets[row + 1]]
        bound = _bound_of_rank(line, k)
        ties = k - _count_above(line, bound) if bound > 0 else 0
        count = 0
        for n in range(line.shape[0]):
            tied = line[n] == bound
            if line[n] > bound or (tied and ties > 0):
                found[row, count] = indices[offsets[row] + n]
                count += 1
            ties -= tied
        counts[row] = count
    return counts, found


def keep_largest_per_row(offsets, indices, bits, k):
    """Of every row's entries the k largest positive ones: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    counts, found = _keep_largest_per_row(offsets, indices, bits, k)
    return counts, found[np.arange(k) < counts[:, None]]
