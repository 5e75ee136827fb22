"""Proteins and nucleotides: FASTA files, a recording for each record."""

from __future__ import annotations

from pathlib import Path

from sparsetime.activations.capture.document import Document
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import DataError

RESIDUE = "residue"  # the step label with the letter of each step


@reader("fasta", ".fasta", ".fa", ".faa", ".fna")
def fasta(path: Path, *, alphabet: str | None = None) -> list[Outline]:
    """The records of a file; the id of each is the first word of its header.

    Without `alphabet` a record is a text, which the model's tokenizer reads. With it a record is an
    array of tokens: the place of each letter in the alphabet, such as "ACDEFGHIKLMNPQRSTVWY", and
    each letter is the step label `residue`. Further words of a header are the label `description`.

    Errors: DataError, with file and line, for a sequence without a header, a header without a
    sequence, an id that comes twice, and a letter that is not in the alphabet.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no FASTA file: {error}") from error
    records: dict[str, tuple[str, list[str]]] = {}
    name, begun = "", 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        where = f"{path}, line {number}"
        if text.startswith(">"):
            if name and not records[name][1]:
                raise DataError(f"{path}, line {begun} has a header without a sequence")
            name, _, rest = text[1:].strip().partition(" ")
            if not name or name in records:
                fault = f"the id {name!r} again" if name else "a header without an id"
                raise DataError(f"{where} has {fault}; give every record an id of its own")
            records[name], begun = (rest.strip(), []), number
        elif not name:
            raise DataError(f"{where} has a sequence without a header; begin records with >id")
        else:
            strange = "" if alphabet is None else sorted({c for c in text if c not in alphabet})
            if strange:
                raise DataError(
                    f"{where} has the letter {strange[0]!r}, which is not in the alphabet "
                    f"{alphabet!r}; add it, or leave the record out"
                )
            records[name][1].append(text)
    if name and not records[name][1]:
        raise DataError(f"{path}, line {begun} has a header without a sequence")
    return [
        _outline(path, record, rest, "".join(parts), alphabet)
        for record, (rest, parts) in records.items()
    ]


def _outline(path: Path, name: str, about: str, letters: str, alphabet: str | None) -> Outline:
    labels = {"description": about} if about else {}

    def document() -> Document:
        if alphabet is None:
            return Document(name, text=letters, labels=labels, source=str(path))
        return Document(
            name,
            tokens=[alphabet.index(letter) for letter in letters],
            labels=labels,
            step_labels={RESIDUE: list(letters)},
            unit=RESIDUE,
            source=str(path),
        )

    return Outline(name, path, None if alphabet is None else len(letters), document)
