"""Attention policies on disk: JSON for what they are, safetensors for what was fitted."""

from __future__ import annotations

import os
from typing import Any

from sparsetime.attention.policy import ROLES, AttentionPolicy
from sparsetime.errors import DamagedError, SparsetimeError, StoreError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url

SCHEMA_VERSION = 1
JSON_NAME = "policy.json"
WEIGHTS_NAME = "policy.safetensors"
_AGAIN = "Restore it from a copy, or make and fit the policy again"


@locks("path")
def save_policy(policy: AttentionPolicy, path: str | os.PathLike[str]) -> None:
    """Write a policy and what was fitted into a folder; the JSON comes last and makes it valid."""
    folder = Folder(folder_url(path, "path"))
    sha256 = folder.write_tensors(WEIGHTS_NAME, policy.state_dict())
    record = {"schema_version": SCHEMA_VERSION, **policy.to_config(), "sha256": sha256}
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def load_policy(path: str | os.PathLike[str]) -> AttentionPolicy:
    """Open a policy that `save_policy` wrote, from a folder or URL.

    Errors: StoreError where there is none, or it is from a newer sparsetime; DamagedError where a
    file is not the bytes that were written; ConfigError for a component that does not exist.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is no saved attention policy; give the "
            f"folder of save_policy. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    config: dict[str, Any] = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    try:
        roles = {role.role: role.from_config(config["components"][role.role]) for role in ROLES}
        policy = AttentionPolicy(
            **roles,
            name=config["name"],
            share=config["share"],
            phases=config["phases"],
            skip_layers=config["skip_layers"],
            causal=config["causal"],
        )
        sha256 = config["sha256"]
        policy.load_state_dict(folder.read_tensors(WEIGHTS_NAME, 1, _AGAIN, sha256))
    except SparsetimeError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} describes no policy that fits its weights "
            f"({type(error).__name__}: {error}). {_AGAIN}"
        ) from error
    return policy
