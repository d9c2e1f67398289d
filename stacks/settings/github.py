"""Which GitHub repository may plan and deploy an environment."""

from __future__ import annotations

from stacks.settings.setting import Settings, setting

_OWNER, _NAME, _ID = (
    r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}",
    r"[A-Za-z0-9._-]{1,100}",
    r"@[1-9]\d{0,19}",
)


class GithubSettings(Settings):
    """The repository whose workflows plan and deploy an environment.

    They come with a token that GitHub signs for one run (OpenID Connect), so no key is kept
    anywhere. The token's ``sub`` names the repository, in the way of `repository` (GitHub,
    "OpenID Connect reference").
    """

    repository: str = setting(
        allowed="OWNER/NAME, or OWNER@ID/NAME@ID where the repository has immutable subjects (any "
        "that was created, renamed or transferred after 15 July 2026)",
        description="Repository, as the subject of its tokens spells it: `gh api "
        "repos/OWNER/NAME/actions/oidc/customization/sub` shows which form it has, "
        "`gh api repos/OWNER/NAME` both ids.",
        pattern=rf"^({_OWNER}/{_NAME}|{_OWNER}{_ID}/{_NAME}{_ID})$",
    )
    deploy_environment: str | None = setting(
        None,
        allowed="1 to 255 letters, digits, -, _ and .",
        description="Environment of the repository whose approval a deployment needs; the name of "
        "the environment here where left out.",
        pattern=r"^[A-Za-z0-9._-]{1,255}$",
    )
    create_provider: bool = setting(
        True,
        allowed="true or false",
        description="Whether the stack makes the account's identity provider for GitHub. An "
        "account has one at most: `false` where it is there already, or where another environment "
        "makes it.",
    )


def roles_stack(environment: str) -> str:
    """The name of the stack that makes the roles."""
    return f"{environment}-github"


def role_name(environment: str, kind: str) -> str:
    """The name of the role that plans or deploys."""
    return f"github-burst-{environment}-{kind}"


def policy_name(environment: str, kind: str) -> str:
    """The name of the policy that lets a role read or change, or bounds the pipelines' roles."""
    return f"github-burst-{environment}-{kind}"
