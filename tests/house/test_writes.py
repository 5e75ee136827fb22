"""Files are written by `sparsetime.files` alone, so that all have checksum and schema version."""

import ast
from pathlib import Path

import pytest

import sparsetime

PACKAGE = Path(sparsetime.__file__).parent
# Who may write bytes and text, which a Folder and a pathlib.Path call alike, and what those are.
WRITERS = {
    "activations/annotations/stored_annotations.py": "tables of a Folder, by `files.formats`",
    "activations/store/shard_reader.py": "a downloaded shard, which the manifest's SHA-256 checks",
    "activations/store/writer.py": "shards and tables of a Folder, marked by `files.formats`",
    "circuits/saved.py": "tables of a Folder, marked by `files.formats`",
    "comparison/leaderboard_files.py": "a table of a Folder, marked by `files.formats`",
    "computation/cost_table.py": "a table of a Folder, marked by `files.formats`",
    "computation/step_cells.py": "a table of a Folder, marked by `files.formats`",
    "demo/pipeline.py": "YAML by a Folder, marked in a comment",
    "explorer/export_files.py": "files of an export, which its list of checksums names",
    "explorer/export.py": "files of an export, by ExportFiles",
    "features/detail_table.py": "a table of a Folder, marked by `files.formats`",
    "features/feature_table.py": "a table of a Folder, marked by `files.formats`",
    "features/index_files.py": "tables of a Folder, marked by `files.formats`",
    "interop/formats/dictionary_learning.py": "ae.pt, which dictionary_learning alone reads",
    "interop/formats/circuit_tracer.py": "YAML by a Folder, marked in a comment",
    "interop/formats/circuit_tracer_clt.py": "YAML by a Folder, marked in a comment",
    "interop/neuronpedia_export.py": "what Neuronpedia imports, which takes no key of ours",
    "interop/lm_eval.py": "a steering file, which lm-eval alone reads",
    "interop/publish.py": "a model card, which begins with YAML",
    "moments/saved_moments.py": "a table of a Folder, marked by `files.formats`",
    "reports/report.py": "HTML by a Folder, marked in a comment",
    "steering/unlearning/saved_update.py": "what transformers and PEFT read, without keys of ours",
    "suites/suite_record.py": "Markdown by a Folder, marked in a comment",
    "testbeds/english/convert.py": "files of transformers, whose SHA-256 the record has",
    "testbeds/wheels/archive.py": "a file of a wheel, whose checksum the wheel lists",
    "testbeds/wheels/fetch.py": "requirements of pip, in a temporary folder",
    "testbeds/python_code/publish.py": "what transformers reads, which takes no key of ours",
}
BY_METHOD = {"write_text", "write_bytes"}
NEVER = {
    *("dump", "save_file", "save_model", "write_table", "write_feather", "write_dataset"),
    *("to_parquet", "to_csv", "savez", "savetxt", "tofile", "copyfile", "copytree", "copy2"),
    *("save_pretrained", "NamedTemporaryFile", "touch", "symlink_to", "hardlink_to"),
}
MODULES_THAT_SAVE = {"torch", "np", "numpy"}


def writes(tree):
    """Line and name of every call that writes a file, in a file of the package."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        owner = getattr(function, "value", None)
        if name == "open" and is_written(node):
            yield node.lineno, "open"
        elif name in NEVER | BY_METHOD and ast.unparse(function) != "ast.dump":
            yield node.lineno, name
        elif name == "save" and isinstance(owner, ast.Name) and owner.id in MODULES_THAT_SAVE:
            yield node.lineno, f"{owner.id}.save"


def is_written(call):
    """Whether a call of `open` has a mode that writes, or one that cannot be read off.

    The first argument of a method may be anything, since methods of other classes are called so.
    """
    of_object = isinstance(call.func, ast.Attribute)
    at = 0 if of_object else 1
    given = [*call.args[at : at + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    return any(
        set(mode.value) & set("wax+")
        if isinstance(mode, ast.Constant) and isinstance(mode.value, str)
        else not of_object
        for mode in given
    )


def test_only_the_room_of_files_writes_files():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("files/"):
            continue
        for line, call in writes(ast.parse(path.read_text(encoding="utf-8"))):
            if call not in BY_METHOD or name not in WRITERS:
                found[f"{name}:{line}"] = call
    assert found == {}, "write these by a method of sparsetime.files.Folder"


def test_the_list_of_writers_holds_nothing_else():
    writing = {
        name
        for name in WRITERS
        if any(call in BY_METHOD for _, call in writes(ast.parse((PACKAGE / name).read_text())))
    }
    assert writing == WRITERS.keys()


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('x')",
        "open(path, mode)",
        "path.write_text('x')",
        "torch.save(x, path)",
        "np.save(path, x)",
        "json.dump(x, file)",
        "pq.write_table(table, path)",
        "shutil.copyfile(a, b)",
    ],
)
def test_a_write_is_found(line):
    assert list(writes(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["open(path)", "open(path, 'rb')", "path.open('r')", "sae.save(path)", "json.dumps(x)"]
)
def test_what_only_reads_is_not(line):
    assert not list(writes(ast.parse(line)))
