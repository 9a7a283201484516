"""Pushes a version to the Hugging Face hub, or to a server that speaks as it does: one commit with all files."""

from collections.abc import Mapping

from stillhouse.errors import ModelError, ServiceError
from stillhouse.publishing.addresses import check_address, check_token_may_go
from stillhouse.publishing.publication import Publication, licence_of

ENDPOINT, TOKEN = "HF_ENDPOINT", "HF_TOKEN"
_HUB = "https://huggingface.co"
_OWN_HOSTS = ("huggingface.co",)


def hub_address(environment: Mapping[str, str]) -> str:
    """Return the address of the hub that the environment names.

    Raises:
        ServiceError: it is none.
    """
    return check_address(ENDPOINT, environment.get(ENDPOINT) or _HUB)


def check_push(publication: Publication, repo: str, environment: Mapping[str, str], *, is_public: bool) -> None:
    """Do nothing if the publication may be pushed to `repo`; nothing is sent.

    Raises:
        ModelError: `repo` is no OWNER/NAME, or what everybody will see states no licence.
        ServiceError: there is no token, or it may not go to the hub that is named.
    """
    owner, slash, name = repo.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise ModelError(f"--repo {repo!r}: it must be OWNER/NAME on the hub, as acme/tickets.")
    if is_public and not licence_of(publication):
        raise ModelError(
            f"{publication.version.reference} would be public, and its card states no licence. Read the section "
            "Licences of `stillhouse models show`'s card and the teacher's terms, then state one: --licence apache-2.0."
        )
    if not environment.get(TOKEN, "").strip():
        raise ServiceError(f"{TOKEN} is not set; it must hold a token of the hub that may write to {owner}.")
    check_token_may_go(TOKEN, hub_address(environment), environment, own_hosts=_OWN_HOSTS)


def push(publication: Publication, repo: str, environment: Mapping[str, str], *, is_public: bool) -> str:
    """Make or change the repository `repo` so that it holds the publication, and return the commit's address.

    Raises:
        ModelError, ServiceError: as `check_push`, or the hub refuses or does not answer.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # the network's, of whatever library
    from huggingface_hub.utils.tqdm import disable_progress_bars

    check_push(publication, repo, environment, is_public=is_public)
    disable_progress_bars()  # they would stand between an error and its line
    # the token of the environment alone: none that a login left in a file of this machine
    api = HfApi(endpoint=hub_address(environment), token=environment[TOKEN].strip())
    contents: dict[str, str | bytes] = {name: str(path) for name, path in publication.files.items()}
    contents |= {name: publication.card(name) for name in publication.cards}
    try:
        api.create_repo(repo, private=not is_public, exist_ok=True)
        if not is_public and not api.model_info(repo).private:
            raise ModelError(f"--repo {repo} is public already: say --public if everybody may see this version.")
        commit = api.create_commit(
            repo,
            [CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in contents.items()],
            commit_message=f"{publication.version.reference} of {publication.version.run_id}",
        )
    except (OSError, ValueError, HTTPError) as error:  # the hub's own errors are OSErrors
        said = " ".join(str(error).split())[:300].replace(environment[TOKEN].strip(), "***")
        raise ServiceError(f"{hub_address(environment)} did not take {repo}: {said}") from error
    return str(commit.commit_url)
