"""Endpoint: a language model behind any OpenAI-compatible URL, as a function of a prompt."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import final

from sparsetime.errors import ConfigError, DataError

_WAIT = 1.0  # seconds before the first further try; doubled each time
_AGAIN = (408, 429, 500, 502, 503, 504)


@final
@dataclass(frozen=True)
class Endpoint:
    """A chat model at `url`/chat/completions, such as "http://localhost:8000/v1".

    model: its name there. key: sent as a bearer token, where the server wants one; it is
    not in the repr. timeout: in seconds. tries: how often a request is sent that fails for a reason
    that may pass. Answers are greedy.

    Errors: ConfigError for a URL that is not http(s); DataError where the server refuses or answers
    no text.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    most_tokens: int = 400
    timeout: float = 60.0
    tries: int = 4

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(
                f"got the URL {self.url!r} of a language model, expected http:// or https://, such "
                f"as http://localhost:8000/v1"
            )

    @property
    def name(self) -> str:
        """The model's name, which explanations are recorded under."""
        return self.model

    def __call__(self, prompt: str) -> str:
        """The answer to a prompt."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self.most_tokens,
        }
        headers = {"Content-Type": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        address = f"{self.url.rstrip('/')}/chat/completions"
        data = json.dumps(body).encode()
        request = urllib.request.Request(address, data, headers, method="POST")
        return self._text(self._sent(request))

    def _sent(self, request: urllib.request.Request) -> bytes:
        for attempt in range(self.tries):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as response:
                    return bytes(response.read())
            except urllib.error.HTTPError as error:
                if error.code not in _AGAIN or attempt + 1 == self.tries:
                    said = error.read(300).decode(errors="replace")
                    raise DataError(
                        f"{self.url} answered {error.code} {error.reason} for the model "
                        f"{self.model!r}: {said}"
                    ) from error
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                if attempt + 1 == self.tries:
                    raise DataError(
                        f"{self.url} cannot be reached after {self.tries} tries: {error}; is the "
                        f"server running?"
                    ) from error
            time.sleep(_WAIT * 2**attempt)
        raise AssertionError("every try returns or raises")

    def _text(self, body: bytes) -> str:
        try:
            text = json.loads(body)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(
                f"{self.url} answered {body[:120]!r}, expected choices[0].message.content; is it "
                f"an OpenAI-compatible endpoint?"
            ) from error
        return text if isinstance(text, str) else ""
