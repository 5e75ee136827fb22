"""Chat templates: messages as the text that a model reads, with the role of each span of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True)
class ChatText:
    """A conversation as the model reads it.

    text: the messages with the template's marks, which name the roles. spans: for each message
    (start, end, role), characters of `text` that are the message's own words. With
    `spans={"role": chat.spans}` a `Document` gets the role of every token, null for marks.
    token_ids: of the text. token_roles: the role of each token, None for marks.
    """

    text: str
    spans: tuple[tuple[int, int, str], ...]
    token_ids: tuple[int, ...]
    token_roles: tuple[str | None, ...]

    def token_span(self, message: int) -> tuple[int, int]:
        """First token of a message, and the one after its last; -1 is the last message.

        Errors: DataError for a message that the conversation does not have.
        """
        if not -len(self.spans) <= message < len(self.spans):
            raise DataError(
                f"got message {message} of a conversation of {len(self.spans)}, expected "
                f"{-len(self.spans)} to {len(self.spans) - 1}"
            )
        return self._token_spans[message]

    _token_spans: tuple[tuple[int, int], ...] = ()


def chat_text(
    model: LoadedModel, messages: Sequence[Mapping[str, str]], reply: bool = False
) -> ChatText:
    """Apply a model's chat template to messages, and find the role of each span.

    messages: each with "role" (such as "system", "user", "assistant") and "content". reply: end
    with the template's mark that an answer of the assistant follows. A span holds a message's
    words; a token belongs to the message that holds its first character. What the template adds,
    such as a system message of its own, has no role.

    Errors: ConfigError for a model without a chat template; DataError for no messages, a message
    without role or content, or one whose content the template changes.
    """
    tokenizer = model.tokenizer
    if tokenizer is None or not getattr(tokenizer, "chat_template", None):
        raise ConfigError(
            f"the tokenizer of {model.name!r} has no chat template; give its prompts as text, or "
            f"set tokenizer.chat_template"
        )
    _check(messages)
    listed = [dict(message) for message in messages]
    text: Any = tokenizer.apply_chat_template(listed, tokenize=False, add_generation_prompt=reply)
    spans, at = [], 0
    for number, message in enumerate(listed):
        content = message["content"].strip()
        start = text.find(content, at)
        if start < 0:
            raise DataError(
                f"the chat template of {model.name!r} changes the content of message {number} "
                f"({content[:40]!r}); its span cannot be found"
            )
        at = start + len(content)
        spans.append((start, at, message["role"]))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in encoded["offset_mapping"]]
    ranges = tuple(_token_range(starts, start, end) for start, end, _ in spans)
    roles: list[str | None] = [None] * len(starts)
    for (first, stop), (_, _, role) in zip(ranges, spans, strict=True):
        roles[first:stop] = [role] * (stop - first)
    return ChatText(text, tuple(spans), tuple(encoded["input_ids"]), tuple(roles), ranges)


def _token_range(starts: list[int], start: int, end: int) -> tuple[int, int]:
    inside = [number for number, at in enumerate(starts) if start <= at < end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _check(messages: Sequence[Mapping[str, str]]) -> None:
    if not messages:
        raise DataError("got no messages, expected at least one with a role and content")
    for number, message in enumerate(messages):
        for key in ("role", "content"):
            if not isinstance(message.get(key), str):
                raise DataError(
                    f"got message {number} with the keys {sorted(message)}, expected texts as "
                    f"'role' and 'content'"
                )
