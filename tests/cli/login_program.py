"""The program ``alicred`` as a person starts it, but for where the OAuth sites are: ``python -m tests.cli.login_program URL ARGUMENTS``.

The sites' addresses are no setting, so that none can be set wrong. Only from within the process can they be others.
"""

from __future__ import annotations

import sys

from alicred.cli.main import main
from alicred.sources.oauth import OAUTH_SITES, OAuthSite
from alicred.sources.profiles.cli import oauth_login


def sites_at(endpoint: str) -> dict[str, OAuthSite]:
    """Both sites, at *endpoint*."""
    return {name: OAuthSite(endpoint, site.client_id, f"{endpoint}/oauth2/v1/auth") for name, site in OAUTH_SITES.items()}


if __name__ == "__main__":
    oauth_login.OAUTH_SITES = sites_at(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
