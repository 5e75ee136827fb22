"""What users hand over as arrays is converted in one place, or refused by name."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import sparsetime as st
from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.sources.as_source import as_source
from sparsetime.errors import ConfigError, DataError
from sparsetime.tensors import as_mask, as_tensor, as_tokens

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def read_only():
    array = ROWS.copy()
    array.flags.writeable = False
    return array


def matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(ROWS)


PLAIN = {
    "numpy": ROWS,
    "float64": ROWS.astype(np.float64),
    "half": ROWS.astype(np.float16),
    "long double": ROWS.astype(np.longdouble),
    "big endian": ROWS.astype(">f4"),
    "reversed": ROWS[::-1][::-1],
    "read only": read_only(),
    "fortran": np.asfortranarray(ROWS),
    "matrix": matrix(),
    "list": ROWS.tolist(),
    "list of arrays": list(ROWS),
    "list of tensors": list(torch.from_numpy(ROWS)),
    "tuple": tuple(map(tuple, ROWS.tolist())),
    "nothing masked": np.ma.masked_array(ROWS),
    "parameter": torch.nn.Parameter(torch.from_numpy(ROWS)),
    "bfloat16": torch.from_numpy(ROWS).bfloat16(),
    "float8": torch.from_numpy(ROWS).to(torch.float8_e4m3fn),
    "data frame": pd.DataFrame(ROWS),
    "nullable frame": pd.DataFrame(ROWS).astype("Float32"),
    "arrow": pa.table({str(i): ROWS[:, i] for i in range(3)}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_arrays_of_all_kinds_are_the_same_numbers(name):
    tensor = as_tensor(PLAIN[name], "x")
    assert type(tensor) is torch.Tensor
    assert torch.equal(tensor.float(), torch.from_numpy(ROWS))
    if not isinstance(PLAIN[name], list | tuple):  # which are batches
        assert next(as_source(PLAIN[name]).rows(4)).shape == (4, 3)


def masked():
    return np.ma.masked_array(ROWS, mask=ROWS > 10)


def quantised():
    make = getattr(torch, "quanti" + "ze_per_tensor")  # the word has another spelling here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make(torch.zeros(4, 3), 0.1, 0, torch.qint8)


def nested():
    parts = [torch.zeros(2, 3), torch.zeros(4, 3)]
    return torch.nested.nested_tensor(parts, layout=torch.jagged)


class Units(np.ndarray):
    """Carries a unit, as arrays of astropy do."""


def masked_tensor():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.masked.masked_tensor(torch.zeros(4, 3), torch.ones(4, 3, dtype=torch.bool))


CARRY_MORE = {
    "masked": (masked, r"1 of its values are masked; .* value\.filled\(number\)"),
    "list of masked": (lambda: list(masked()), "of its values are masked"),
    "units": (lambda: ROWS.view(Units), r"Units carries more than its numbers; give its values"),
    "quantised": (quantised, r"is quantised; give value\.dequantize\(\)"),
    "nested": (nested, r"nested, with rows of several lengths; give value\.unbind\(\)"),
    "sparse": (lambda: torch.eye(3).to_sparse(), r"is sparse; give value\.to_dense\(\)"),
    "csr": (lambda: torch.eye(3).to_sparse_coo().coalesce(), "is sparse"),
    "masked tensor": (masked_tensor, "a MaskedTensor carries more than its numbers"),
    "complex": (lambda: torch.zeros(4, 3, dtype=torch.complex64), "holds complex numbers"),
    "complex numpy": (lambda: ROWS.astype(complex), "holds complex numbers"),
    "meta": (lambda: torch.zeros(4, 3, device="meta"), "on the meta device, where it has no val"),
    "dates": (lambda: np.arange(12).reshape(4, 3).astype("M8[s]"), "holds dates"),
    "texts": (lambda: ROWS.astype(str), "holds texts"),
    "objects": (lambda: np.array([[None, 1.0]]), "holds other objects than numbers"),
    "missing": (lambda: pd.DataFrame({"a": [1, None]}).astype("Int64"), "1 of its values are miss"),
    "missing arrow": (lambda: pa.table({"a": [1.0, None]}), "1 of its values are missing"),
    "structured": (lambda: np.zeros(4, dtype=[("a", "f4")]), "structured array"),
}


@pytest.mark.parametrize("name", CARRY_MORE)
def test_arrays_that_carry_more_than_numbers_are_refused_at_every_door(name, tmp_path):
    make, message = CARRY_MORE[name]
    sae = st.dictionary("topk", d_in=3, width=8, k=2)
    doors = {
        "conversion": lambda x: as_tensor(x, "the data"),
        "document": lambda x: st.Document("a", values=x),
        "documents": lambda x: list(as_documents([x])),
        "encode": lambda x: sae.encode(x),
        "reconstruct": lambda x: sae(x),
        "field": lambda x: as_source({"x": ROWS, "target": x}),
        "batches": lambda x: as_source(iter([x])),
    }
    if not isinstance(make(), list):  # which is an iterator of batches
        doors["source"] = as_source
        doors["training"] = lambda x: st.train(sae, x, out=tmp_path / "t", show=False)
    for door, call in doors.items():
        with pytest.raises(DataError, match=message):
            print(door, call(make()))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int32, ">i8"])
def test_tokens_of_every_integer_type(dtype, tmp_path):
    from toy_models import gpt2

    ids = np.array([[1, 2, 3], [4, 5, 49]], dtype=dtype)
    assert as_tokens(ids, "tokens").tolist() == ids.tolist()
    expected = st.capture(gpt2(), ids.astype(np.int64), "h.0", tmp_path / "a", progress=False)
    store = st.capture(gpt2(), ids, "h.0", tmp_path / "b", progress=False)
    assert torch.equal(store.sequence(1).values, expected.sequence(1).values)
    if dtype == np.uint16:
        as_torch = torch.from_numpy(ids)
        assert as_torch.dtype == torch.uint16
        store = st.capture(gpt2(), as_torch, "h.0", tmp_path / "c", progress=False)
        assert torch.equal(store.sequence(1).values, expected.sequence(1).values)
    with pytest.raises(DataError, match="too large for int64"):
        as_tensor(np.array([2**64 - 1], dtype=np.uint64), "x")
    with pytest.raises(DataError, match=r"tokens are float32 \[1\]; expected whole numbers"):
        as_tokens([1.5], "tokens")


def test_masks_of_every_type():
    for given in ([[1, 0]], torch.tensor([[1, 0]]), np.array([[1.0, 0.0]]), [[True, False]]):
        assert as_mask(given, (1, 2), "m").tolist() == [[True, False]]
    with pytest.raises(DataError, match=r"the mask is float32 with other values than 0 and 1"):
        as_mask([[0.0, float("-inf")]], (1, 2), "the mask")
    with pytest.raises(DataError, match=r"the mask has the shape \[2\]; expected \[1, 2\]"):
        as_mask([1, 0], (1, 2), "the mask")


TEXTS = ["The river carries nothing.", "A clock repeats every number."]


class NotADocument:
    def __iter__(self):
        return iter(())


def as_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("one\ntwo\n")
    return path.open()


ONE_TEXT_COLUMN = {
    "mapping": {"text": TEXTS},
    "frame": pd.DataFrame({"text": TEXTS, "number": [1, 2]}),
    "arrow": pa.table({"text": TEXTS}),
    "column": pd.Series(TEXTS),
    "index": pd.Index(TEXTS),
    "numpy": np.array(TEXTS),
    "objects": np.array(TEXTS, dtype=object),
    "rows": [{"text": text, "topic": i} for i, text in enumerate(TEXTS)],
    "generator": None,
    "values": dict(enumerate(TEXTS)).values(),
}


@pytest.mark.parametrize("name", ONE_TEXT_COLUMN)
def test_tables_with_a_column_of_texts_give_its_texts(name):
    data = (text for text in TEXTS) if name == "generator" else ONE_TEXT_COLUMN[name]
    documents = list(as_documents(data))
    assert [document.text for document in documents] == TEXTS
    if name == "rows":
        assert documents[1].labels == {"topic": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: {"one": TEXTS[0], "two": TEXTS[1]}, r"a dict with the keys 'one', 'two', and "),
        (
            lambda p: {"text": TEXTS[0]},
            r"a dict with the keys 'text'.*give list\(data.values\(\)\)",
        ),
        (lambda p: {}, r"a dict with the keys \(none\)"),
        (lambda p: pd.DataFrame({"a": TEXTS, "b": TEXTS}), "a DataFrame with the columns 'a', 'b'"),
        (lambda p: pd.DataFrame(ROWS), r"a DataFrame with the columns '0', '1', '2', and which"),
        (lambda p: pa.table({"a": TEXTS}), "a Table with the columns 'a'"),
        (lambda p: set(TEXTS), r"a set, which has no order of its own.*such as sorted\(data\)"),
        (as_file, r"an open file, which gives its lines; give \[file.read\(\)\] for one document"),
        (lambda p: [{"a": 1}], "document 0 is a dict with the keys 'a'; a document is a text"),
        (lambda p: pd.Series([1.0, 2.0]), r"a single array of shape \[2\]"),
        (lambda p: 3, "data is a int; it must be an iterable of documents"),
    ],
)
def test_collections_that_do_not_give_documents_are_refused(make, message, tmp_path):
    from toy_models import gpt2

    data = make(tmp_path)
    for door in (
        lambda: list(as_documents(data)),
        lambda: st.capture(gpt2(), data, "h.0", tmp_path / "s", progress=False),
        lambda: st.stream(gpt2(), data, "h.0"),
    ):
        with pytest.raises(DataError, match=message):
            door()
    if hasattr(data, "close"):
        data.close()
    assert not (tmp_path / "s").exists()


def test_outputs_of_tokenizers(tmp_path):
    from tokenizers import Encoding
    from toy_models import tokenizer

    made = tokenizer(tmp_path)
    expected = [made(text)["input_ids"] for text in ("time runs", "on")]
    for data in (
        made(["time runs", "on"]),
        made(["time runs", "on"], padding=True),
        made(["time runs", "on"], padding=True, return_tensors="np"),
        [made("time runs"), made("on", padding="max_length", max_length=9)],
        made.backend_tokenizer.encode_batch(["time runs", "on"]),
        pd.DataFrame(dict(made(["time runs", "on"]))),
    ):
        assert [document.tokens.tolist() for document in as_documents(data)] == expected
    (one,) = as_documents(made("time runs"))
    assert one.tokens.tolist() == expected[0]
    assert Encoding is not None
    with pytest.raises(DataError, match=r"document 0 is a pair of texts: its token_type_ids"):
        list(
            as_documents(
                made([["time", "runs"]], return_token_type_ids=True)
                | {"token_type_ids": [[0, 0, 0, 1, 1]]}
            )
        )
    holes = {"input_ids": [[2, 5, 3]], "attention_mask": [[1, 0, 1]]}
    with pytest.raises(DataError, match="attention_mask of document 0 leaves out tokens between"):
        list(as_documents(holes))


HALF = "broken \ud83d emoji"


@pytest.mark.parametrize(
    "make",
    [
        lambda: st.Document("a", text=HALF),
        lambda: st.Document(HALF, text="a"),
        lambda: st.Document("a", text="a", source=HALF),
        lambda: st.Document("a", text="a", labels={"k": HALF}),
        lambda: next(as_documents([HALF])),
    ],
)
def test_half_a_surrogate_pair_is_named_with_its_document(make):
    with pytest.raises(
        DataError, match=r"of the document '.*' holds '\\ud83d' at character 7, half"
    ):
        make()


def test_the_advice_for_half_a_surrogate_pair_works():
    joined = HALF.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert st.Document("a", text=joined).text == "broken � emoji"


def test_half_a_surrogate_pair_in_labels_of_steps(tmp_path):
    from toy_models import Blocks

    document = st.Document("a", values=torch.zeros(1, 3), step_labels={"k": [HALF]})
    with pytest.raises(DataError, match="step label 'k' of the document 'a' holds half of a surr"):
        st.capture(Blocks(), [document], "lstm", tmp_path / "s", progress=False)


def test_a_text_file_whose_name_is_not_utf8(tmp_path):
    from sparsetime.activations.capture.text_files import read_texts

    (tmp_path / "name\udce9.txt").write_text("time")  # the byte 0xe9
    (document,) = read_texts(tmp_path)
    assert document.id.endswith("name�.txt")


@pytest.mark.parametrize("change", ["half", "double", "bfloat16"])
def test_a_dictionary_of_another_dtype_says_so_at_every_door(change, tmp_path):
    sae = st.dictionary("topk", d_in=3, width=8, k=2)
    code = sae.encode(ROWS)
    getattr(sae, change)()
    for door in (
        lambda: sae.encode(ROWS),
        lambda: sae(ROWS),
        lambda: sae.decode(code),
        lambda: sae.stream().feed(torch.from_numpy(ROWS)),
        lambda: st.train(sae, ROWS, out=tmp_path / "t", show=False),
    ):
        with pytest.raises(
            ConfigError, match=r"weights are (float16|float64|bfloat16).*sae\.float\(\)"
        ):
            door()
    sae.float()
    assert torch.equal(sae.encode(ROWS).indices, code.indices) or change != "double"
    assert not any(tmp_path.iterdir())


def test_encoding_takes_arrays_and_other_settings():
    sae = st.dictionary("topk", d_in=3, width=8, k=2)
    expected = sae.encode(torch.from_numpy(ROWS))
    given = [ROWS, ROWS.astype(np.float64), ROWS.tolist(), pd.DataFrame(ROWS), ROWS.astype(int)]
    for x in given:
        assert torch.equal(sae.encode(x).values, expected.values)
        assert torch.equal(sae(x), sae(torch.from_numpy(ROWS)))
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.autocast("cpu"):
            assert torch.equal(sae.encode(ROWS).values, expected.values)
            assert sae(ROWS).dtype == torch.float32
            assert torch.equal(sae.stream().feed(torch.from_numpy(ROWS)).values, expected.values)
    finally:
        torch.set_default_dtype(torch.float32)
