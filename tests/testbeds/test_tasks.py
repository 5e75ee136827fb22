"""Tasks: splits that share no contents, roles in both texts, and scores in closed form."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.models import load_model
from sparsetime.testbeds import code_model, logit_difference, task_prompts, task_scores, tasks
from sparsetime.testbeds.tasks import english_words
from sparsetime.testbeds.tasks.prompt import prompt


@pytest.fixture(scope="module")
def code():
    return code_model()


def contents(prompts):
    """What fills the roles of the clean texts, without numbers and marks that every prompt has."""
    parts = {one.clean[start:end] for one in prompts for start, end in one.roles.values()}
    return {part for part in parts if len(part) > 1}


@pytest.mark.parametrize("name", tasks())
def test_splits_share_no_contents_and_draws_repeat(name):
    train, held_out = (task_prompts(name, 30, split) for split in ("train", "held_out"))
    assert len({one.clean for one in train}) == 30
    shared = contents(train) & contents(held_out)
    assert shared <= {"max", "min", "pow", "divmod"} & shared
    assert task_prompts(name, 30) == train
    assert task_prompts(name, 30, seed=1) != train


@pytest.mark.parametrize("name", tasks())
def test_the_corrupted_text_differs_in_its_roles_alone(name):
    for one in task_prompts(name, 10):
        differing = {
            role
            for role, (start, end) in one.roles.items()
            if one.clean[start:end] != one.corrupted[slice(*one.corrupted_roles[role])]
        }
        assert differing - {"end"}
        rest = one.clean, one.corrupted
        for role in sorted(differing - {"end"}, key=lambda role: -one.roles[role][0]):
            rest = tuple(
                text[: spans[role][0]] + text[spans[role][1] :]
                for text, spans in zip(rest, (one.roles, one.corrupted_roles), strict=True)
            )
        assert rest[0] == rest[1]
        assert one.roles["end"] == (len(one.clean) - 1, len(one.clean))
        assert not set(one.answers) & set(one.wrong)


def test_words_of_a_list_are_there_once():
    lists = [words for name, words in vars(english_words).items() if name.isupper()]
    assert len(lists) == 10
    assert all(len(set(words)) == len(words) for words in lists)


def test_positions_are_the_tokens_of_a_role(code):
    one = task_prompts("loop_variable", 1)[0]
    tokens = one.tokens(code.tokenizer)
    first, stop = tokens.positions["variable"]
    variable = one.clean[slice(*one.roles["variable"])]
    assert code.tokenizer.decode(tokens.clean[first:stop]) == f" {variable}"
    assert tokens.positions["end"] == (len(tokens.clean) - 1, len(tokens.clean))
    assert tokens.is_aligned
    assert not replace(tokens, corrupted_positions={}).is_aligned


class Certain(torch.nn.Module):
    """Gives the token that follows the last one in number a logit of 2, and all others 0."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids):
        logits = torch.zeros(*input_ids.shape, 30)
        logits.scatter_(-1, (input_ids + 1)[..., None], 2.0)
        return SimpleNamespace(logits=logits)


class Letters:
    """A tokenizer of lower-case letters."""

    def __call__(self, text, return_offsets_mapping=False, add_special_tokens=True):
        ids = [ord(letter) - ord("a") for letter in text]
        return {"input_ids": ids, "offset_mapping": [(i, i + 1) for i in range(len(text))]}


def test_scores_of_a_model_that_counts_are_known():
    model = load_model(Certain(), Letters())
    right = prompt("x{letter}", {"letter": "c"}, {"letter": "f"}, ("d",), ("g",))
    wrong = prompt("x{letter}", {"letter": "f"}, {"letter": "c"}, ("d", "e"), ("g", "h"))
    scores = task_scores(model, [right, right, right, wrong])
    assert scores.accuracy.value == 0.75
    assert scores.accuracy.null == 0.25
    assert scores.most_likely.value == 0.75
    assert scores.aligned == 1
    two = torch.tensor([2.0, 0.0]).logsumexp(0) - torch.zeros(2).logsumexp(0)
    assert scores.logit_difference.value == pytest.approx((3 * 2 - two.item()) / 4)
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    difference = logit_difference(logits, torch.tensor([2]), torch.tensor([0]))
    torch.testing.assert_close(difference, torch.tensor([2.0]))


def test_the_python_model_does_its_tasks(code):
    for name, least in {"brackets": 0.9, "loop_variable": 0.9, "other_argument": 0.9}.items():
        scores = task_scores(code, task_prompts(name, 16, "held_out"))
        assert scores.accuracy.value >= least > scores.accuracy.null, name
        assert scores.aligned == 1, name


def test_what_is_asked_wrongly_is_refused_in_words(code):
    with pytest.raises(UnknownNameError, match="indirect_object"):
        task_prompts("indirect_objects")
    with pytest.raises(ConfigError, match="got split='test' and count=3, expected one of train"):
        task_prompts("agreement", 3, "test")
    with pytest.raises(DataError, match=r"gave \d+ different prompts, expected 2000"):
        task_prompts("other_argument", 2_000)
    with pytest.raises(ConfigError, match="got 0 prompts"):
        task_scores(code, [])
    same = prompt("x{letter}", {"letter": "c"}, {"letter": "f"}, ("dog",), ("den",))
    with pytest.raises(DataError, match="begin with the same token of this tokenizer"):
        same.tokens(Letters())
